// What commands and `misc` checks find: a clean environment, no descriptors, signals as at a login.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { rootCommandWarning } from '../../../../src/config/host/root-commands.ts';
import { libc } from '../../../../src/linux/libc.ts';
import { type CommandEnd, runCommand } from '../../../../src/linux/process/run-command.ts';
import { loginVariables } from '../../../../src/linux/process/user.ts';
import { parseConfig } from '../../config/yaml.ts';

const IS_ROOT = process.geteuid?.() === 0;

afterEach(() => vi.unstubAllEnvs());

function run(
  shell: string,
  more: { environment?: Record<string, string>; user?: string } = {},
): Promise<CommandEnd> {
  const { signal } = new AbortController();
  return runCommand({ run: { shell }, environment: {}, signal, ...more });
}

async function environment(user?: string): Promise<Record<string, string>> {
  const more = { environment: { CULVERT_REAL: '10.0.0.1' }, ...(user === undefined ? {} : { user }) };
  const { output } = await run('/usr/bin/env', more);
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
}

/** A descriptor that exec would leave open, as one that the director's parent had. */
function inheritable(): { readonly fd: number } & Disposable {
  const fd = libc.open('/proc/self/status', 0, 0);
  return { fd, [Symbol.dispose]: () => void libc.close(fd) };
}

describe('a command', () => {
  test('finds PATH, its user and what it is given, and nothing of the director', async () => {
    vi.stubEnv('NODE_OPTIONS', '--no-warnings');
    vi.stubEnv('SECRET_TOKEN', 'x');
    vi.stubEnv('LD_PRELOAD', '');
    const { PWD: _directory, OLDPWD: _former, SHLVL: _level, _: _program, ...found } = await environment();
    const own = loginVariables(process.geteuid?.() ?? 0);
    expect(found).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...own,
      CULVERT_REAL: '10.0.0.1',
    });
  });

  test.skipIf(!IS_ROOT)('as another user finds that one, also one that has no name', async () => {
    expect(await environment('nobody')).toMatchObject({
      USER: 'nobody',
      LOGNAME: 'nobody',
      HOME: '/nonexistent',
    });
    expect(await environment('12345:12345')).toMatchObject({ USER: '12345', HOME: '/', SHELL: '/bin/sh' });
  });

  test('has a process group of its own, no descriptor but three, and no signal that is ignored or held back', async () => {
    using inherited = inheritable();
    expect(inherited.fd).toBeGreaterThan(2);
    const { output } = await run('ls -x /proc/$$/fd; cut -d" " -f5 /proc/$$/stat; echo $$');
    const [descriptors, group, pid] = output.trim().split('\n');
    expect(descriptors?.trim().split(/\s+/)).toEqual(['0', '1', '2']);
    expect(group).toBe(pid);
    const { output: signals } = await run('exec grep ^Sig /proc/self/status');
    for (const field of ['SigIgn', 'SigBlk'])
      expect([field, signalMask(signals, field)]).toEqual([field, 0n]);
  });

  test('that writes without end is read slowly, and killed at its time', async () => {
    const controller = new AbortController();
    let turns = 0;
    const ticking = setInterval(() => {
      if (++turns === 30) controller.abort();
    }, 1);
    const end = await runCommand({ run: { shell: 'yes' }, environment: {}, signal: controller.signal });
    clearInterval(ticking);
    expect(end.signal).toBe('SIGKILL');
    expect(end.output).toMatch(/^[y\n]{4000,}$/);
  });
});

const services = (keys: string): string =>
  `director: {interface: eth0}\nservices: [{vip: 192.0.2.1, port: 80, reals: [{address: 10.0.0.1}], ${keys}}]\n`;

const warning = (keys: string, uid: number): string | undefined =>
  rootCommandWarning(parseConfig(services(keys), 'file').services, uid);

test('a warning says how many commands and checks run as root', () => {
  expect(warning('check: {type: misc, command: [/bin/x]}', 0)).toMatch(
    /^one command or check runs as root; fix: /,
  );
  expect(warning('check: {type: misc, command: [/bin/x]}, onUp: {command: [/x]}', 0)).toMatch(
    /^2 commands or checks run/,
  );
  expect(warning('onQuorumUp: {command: [/x], user: root}', 1)).toMatch(/^one command/);
  expect(warning('onUp: {command: [/x], user: nobody}', 0)).toBeUndefined();
  expect(warning('onUp: {command: [/x]}', 1)).toBeUndefined();
  expect(warning('check: tcp', 0)).toBeUndefined();
});

/** The signals of a field of /proc/PID/status, without 32 and 33: they are the C library's own, and nobody can set them. */
function signalMask(status: string, field: string): bigint {
  const [, digits = ''] = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? [];
  return BigInt(`0x${digits}`) & ~(0b11n << 31n);
}
