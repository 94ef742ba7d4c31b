import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiClient } from '../../../src/api/client/client.ts';
import { type Outcome, Running, culvert as runCulvert } from './culvert.ts';

/** `diff`, `apply`, `confirm` and `revert`, over a real director with the simulated plane. */
let directory: string;
let file: string;
let other: string;
const started: Running[] = [];
const processes: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-apply-'));
  file = join(directory, 'culvert.yaml');
  other = join(directory, 'other.yaml');
  await writeFile(file, yaml(WEB));
  await writeFile(other, yaml(OTHER));
});

afterEach(async () => {
  const ending = started.splice(0);
  for (const running of ending) running.signals.emit('SIGTERM');
  await Promise.allSettled(ending.map(({ ended }) => ended));
  for (const child of processes.splice(0)) await kill(child);
  await rm(directory, { recursive: true });
});

const WEB = `  - vip: 192.0.2.10
    port: 80
    reals: [{address: 10.0.1.2}, {address: 10.0.2.2, weight: 50}]
  - {vip: 192.0.2.11, port: 443, reals: [{address: 10.0.1.2}]}
`;
const OTHER = `  - vip: 192.0.2.10
    port: 80
    scheduler: rr
    persistence: 5m
    reals: [{address: 10.0.2.2, weight: 7, check: {interval: 10s, port: 81}}, {address: 10.0.3.2}]
  - {vip: 192.0.2.12, protocol: udp, port: 53, reals: [{address: 10.0.1.2}, {address: 10.0.2.2}]}
`;

/** 400 services, one of them with this weight. */
function large(weight: number): string {
  return Array.from({ length: 400 }, (_, port) => {
    const real = `{address: 10.0.1.2, weight: ${port === 7 ? weight : 100}}`;
    return `  - {vip: 192.0.2.10, port: ${port + 1}, check: none, reals: [${real}]}\n`;
  }).join('');
}

function yaml(services: string, extra = ''): string {
  const at = `runDirectory: ${directory}, stateDirectory: ${directory}`;
  return `director: {plane: simulated, instance: here, ${at}${extra}}\nservices:\n${services}`;
}

async function start(...options: string[]): Promise<Running> {
  const running = new Running(['run', '-c', file, ...options]);
  started.push(running);
  await Promise.race([
    running.stderr.waitFor(/ready/),
    running.ended.then(({ stderr }) => Promise.reject(new Error(`it ended: ${stderr}`))),
  ]);
  return running;
}

/** A process of its own, to be killed. */
async function startProcess(): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('../../../culvert', import.meta.url));
  const child = spawn(program, ['run', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  processes.push(child);
  let text = '';
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.stderr.on('data', (chunk) => {
      text += String(chunk);
      if (text.includes('ready')) resolve(undefined);
    });
  });
  expect(text).toContain('ready');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function culvert(...argv: string[]): Promise<Outcome> {
  return runCulvert(argv, { CULVERT_RUN_DIRECTORY: directory });
}

async function reals(): Promise<string[]> {
  const { stdout } = await culvert('reals', '--json');
  const all = JSON.parse(stdout) as { address: string; configuredWeight: number }[];
  return all.map(({ address, configuredWeight }) => `${address} ${configuredWeight}`);
}

const FILES = ['10.0.1.2 100', '10.0.2.2 50', '10.0.1.2 100'];
const OTHERS = ['10.0.2.2 7', '10.0.3.2 100', '10.0.1.2 100', '10.0.2.2 100'];

describe('diff', () => {
  test('of a large file is told from its text, as it is from its values', async () => {
    await writeFile(file, yaml(large(100)));
    await start();
    const client = new ApiClient(join(directory, 'here.sock'));
    expect(await client.diffYaml(yaml(large(100)))).toEqual({ director: [], services: [] });
    expect(await culvert('diff', file)).toMatchObject({ status: 0, stdout: 'no differences\n' });
    await writeFile(other, yaml(large(5)));
    const expected = {
      status: 1,
      stdout: '~ tcp 192.0.2.10:8\n  ~ 10.0.1.2  weight: 100 -> 5\n',
      stderr: '',
    };
    expect(await client.diffYaml(yaml(large(5)))).toMatchObject({ services: [{ change: 'changed' }] });
    expect(await culvert('diff', other)).toEqual(expected);
    // Its values too, so that both ways say the same.
    await writeFile(other, yaml(large(5)).replace('director:', '# another head\ndirector:'));
    expect(
      await client.diffYaml(yaml(large(5)).replace('director:', '# another head\ndirector:')),
    ).toBeUndefined();
    expect(await culvert('diff', other)).toEqual(expected);
    await writeFile(other, yaml(large(70_000)));
    const { status, stderr } = await culvert('diff', other);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/other\.yaml:10:.*weight/)]);
  });

  test('of what runs is nothing', async () => {
    await start();
    expect(await culvert('diff', file)).toEqual({ status: 0, stdout: 'no differences\n', stderr: '' });
    // Other words for the same.
    await writeFile(other, yaml(WEB.replace('vip: 192.0.2.10', 'scheduler: mh\n    vip: 192.0.2.10')));
    expect((await culvert('diff', other)).status).toBe(0);
  });

  test('shows services, reals and settings, old and new, and changes nothing', async () => {
    await start();
    await writeFile(other, yaml(OTHER, ', timeouts: {tcp: 1h}, listen: "127.0.0.1:9999"'));
    expect(await culvert('diff', other)).toEqual({
      status: 1,
      stdout: `~ director
    timeouts.tcp: 15m -> 1h
    listen: none -> {address: 127.0.0.1, port: 9999} (at the next start)
~ tcp 192.0.2.10:80
    scheduler: mh -> rr
    persistence: none -> {timeout: 5m, prefix: 32}
  ~ 10.0.2.2  weight: 50 -> 7, check.interval: 6s -> 10s, check.port: none -> 81
  + 10.0.3.2
  - 10.0.1.2
+ udp 192.0.2.12:53
  + 10.0.1.2
  + 10.0.2.2
- tcp 192.0.2.11:443
  - 10.0.1.2
`,
      stderr: '',
    });
    expect(await reals()).toEqual(FILES);
  });

  test('as JSON, and in colours on a terminal', async () => {
    await start();
    const { status, stdout } = await culvert('diff', other, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout).services.map(({ change }: { change: string }) => change)).toEqual([
      'changed',
      'added',
      'removed',
    ]);
    const shown = new Running(['diff', other], { CULVERT_RUN_DIRECTORY: directory, TERM: 'xterm' }, true);
    expect((await shown.ended).stdout).toContain('\u001b[32m+ udp 192.0.2.12:53\u001b[0m');
  });

  test('trouble is status 2', async () => {
    expect((await culvert('diff', file)).stderr).toContain('no director is running');
    await start();
    await writeFile(other, 'services: 7\n');
    for (const argv of [[other], [join(directory, 'none.yaml')], [file, '--frobnicate']]) {
      const { status, stdout, stderr } = await culvert('diff', ...argv);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^culvert: /);
    }
  });

  test('of a file that is not there advises no option that it has not', async () => {
    await start();
    const missing = join(directory, 'none.yaml');
    const { stderr } = await culvert('diff', missing);
    expect(stderr).toBe(`culvert: ${missing}: no such file; fix: name a configuration file that exists\n`);
  });

  test('takes a keepalived.conf, whose interface is the director’s', async () => {
    other = join(directory, 'keepalived.conf');
    await writeFile(
      other,
      `virtual_server 192.0.2.10 80 {
    lb_algo rr
    lb_kind TUN
    protocol TCP
    real_server 10.0.1.2 80 { 
        weight 3 
        TCP_CHECK { 
        } 
    }
}
`,
    );
    await start();
    const { stdout, stderr, status } = await culvert('diff', other);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).not.toContain('director');
    expect(stdout).toMatch(/^ {2}~ 10\.0\.1\.2 {2}weight: 100 -> 3,.*check\.via: tunnel -> direct/m);
  });
});

describe('apply', () => {
  test('has another file hold until reload', async () => {
    await start();
    const { status, stdout } = await culvert('apply', other);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^services: 1 added, 1 changed, 1 removed; reals: 3 added, 1 changed, 2 removed; applied in [\d.]+ ms\n$/,
    );
    expect(await reals()).toEqual(OTHERS);
    expect((await culvert('diff', other)).status).toBe(0);
    expect((await culvert('reload')).status).toBe(0);
    expect(await reals()).toEqual(FILES);
  });

  test('a file with errors changes nothing', async () => {
    await start();
    await writeFile(other, `${yaml(OTHER)}  - {vip: 192.0.2.10, port: 80, reals: []}\n`);
    const { status, stderr } = await culvert('apply', other);
    expect(status).toBe(1);
    expect(stderr).toMatch(/other\.yaml:\d+:\d+: services\[2\]\.vip: duplicate service/);
    expect(await reals()).toEqual(FILES);
    expect((await culvert('apply', other, '--confirm', '25h')).stderr).toContain('a time of up to 24h');
  });

  test('on trial is kept by confirm, or taken back by revert', async () => {
    await start();
    const { stdout } = await culvert('apply', other, '--confirm', '60s');
    expect(stdout).toMatch(/\nrolls back automatically at \S+Z, unless `culvert confirm` runs first\n$/);
    expect(await culvert('confirm')).toEqual({
      status: 0,
      stdout: 'confirmed: the applied configuration stays\n',
      stderr: '',
    });
    const late = await culvert('revert');
    expect([late.status, late.stderr]).toEqual([1, expect.stringContaining('no configuration waits')]);
    await culvert('apply', file, '--confirm', '60s');
    expect(await reals()).toEqual(FILES);
    expect((await culvert('revert')).stdout).toMatch(
      /^rolled back to the previous configuration; services: 1 added/,
    );
    expect(await reals()).toEqual(OTHERS);
    expect((await culvert('events')).stdout.match(/apply|confirm|revert/g)?.length).toBeGreaterThanOrEqual(4);
  });

  test('goes back by itself, over a kill of the daemon', async () => {
    const first = await startProcess();
    const answer = JSON.parse((await culvert('apply', other, '--confirm', '8s', '--json')).stdout);
    await kill(first);
    await startProcess();
    const seen = await reals();
    if (Date.now() < Date.parse(answer.confirmBefore)) expect(seen).toEqual(OTHERS);
    await vi.waitFor(async () => expect(await reals()).toEqual(FILES), { interval: 100 });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(answer.confirmBefore));
  }, 60_000);
});

test('a director goes on when nobody reads its log any more', async () => {
  const child = await startProcess();
  child.stderr?.destroy();
  for (const weight of [7, 8]) {
    await writeFile(other, yaml(WEB.replace('weight: 50', `weight: ${weight}`)));
    expect((await culvert('apply', other)).status).toBe(0);
    expect(await reals()).toContain(`10.0.2.2 ${weight}`);
  }
  expect(child.exitCode).toBeNull();
});
