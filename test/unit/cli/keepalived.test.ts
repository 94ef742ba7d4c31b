import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseConfig } from '../config/yaml.ts';
import { culvert, type Outcome, Running } from './culvert.ts';

let directory: string;
let file: string;

function configuration(addresses: readonly string[]): string {
  const servers = addresses.map((address) => `real_server ${address} 80 {\n weight 5\n }\n`).join(' ');
  return `vrrp_script x {\n script /bin/true\n}
virtual_server 192.0.2.10 80 {\n lb_algo rr\n lb_kind TUN\n protocol TCP\n ${servers}}\n`;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-keepalived-'));
  file = join(directory, 'keepalived.conf');
  await writeFile(file, configuration(['10.0.1.2', '10.0.2.2']));
});

afterEach(() => rm(directory, { recursive: true }));

function simulated(): string[] {
  const settings = [
    'plane=simulated',
    'instance=here',
    `runDirectory=${directory}`,
    `stateDirectory=${directory}`,
  ];
  return settings.flatMap((setting) => ['--set', setting]);
}

async function reals(): Promise<string[]> {
  const { stdout } = await culvert(['reals', '--json'], { CULVERT_RUN_DIRECTORY: directory });
  return (JSON.parse(stdout) as { address: string }[]).map((real) => real.address);
}

function reload(): Promise<Outcome> {
  return culvert(['reload'], { CULVERT_RUN_DIRECTORY: directory });
}

test('check takes it as it is, and says what it does not use', async () => {
  const { status, stdout, stderr } = await culvert(['check', '--no-host', file, '--interface', 'eth0']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${file}: valid; services: 1, reals: 2\n` });
  expect(stderr).toMatch(/^\S+keepalived\.conf:1:1: vrrp_script: keepalived runs it .* \(warning\)\n$/);
  const json = await culvert(['check', '--no-host', file, '--interface', 'eth0', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ valid: true, services: 1, warnings: [expect.any(String)] });
});

test('without an interface it says which option names it', async () => {
  const { status, stderr } = await culvert(['check', '--no-host', file]);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /keepalived\.conf:1:1: neither a vrrp_instance nor a route .*; fix: give --interface NAME\n$/,
  );
});

test('a setting that is wrong is named', async () => {
  const wrong = await culvert(['check', '--no-host', file, '--interface', 'eth0', '--set', 'timeouts.tcp=1']);
  expect(wrong.stderr).toContain('--set timeouts.tcp: found 1; allowed: a duration');
  expect((await culvert(['check', file, '--set', 'nonsense'])).status).toBe(2);
});

test('import prints the same as YAML', async () => {
  const { status, stdout, stderr } = await culvert([
    'import',
    file,
    '--interface',
    'eth0',
    '--set',
    'timeouts.tcp=1h',
  ]);
  expect(status).toBe(0);
  expect(stderr).toContain('culvert: warning: ');
  expect(stdout).toMatch(/^# \S+keepalived\.conf:1:1: vrrp_script: keepalived runs it /m);
  const { director, services } = parseConfig(stdout, 'culvert.yaml');
  expect(director).toMatchObject({ interface: 'eth0', timeouts: { establishedMs: 3_600_000 } });
  expect(services[0]?.reals.map((real) => real.weight)).toEqual([5, 5]);
});

test('import of what culvert has not got fails with its place and prints nothing', async () => {
  await writeFile(file, configuration(['10.0.1.2']).replace('TUN', 'NAT'));
  const { status, stdout, stderr } = await culvert(['import', file, '--interface', 'eth0']);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('keepalived.conf:6:10: lb_kind NAT: culvert forwards by IP tunnel only');
});

test('the format is recognised by content, and can be named', async () => {
  const bare = join(directory, 'config');
  await writeFile(bare, configuration(['10.0.1.2']));
  expect((await culvert(['check', '--no-host', bare, '--interface', 'eth0'])).status).toBe(0);
  const asYaml = await culvert(['check', '--no-host', bare, '--format', 'yaml']);
  expect(asYaml.stderr).toMatch(/allowed: a mapping/);
  await writeFile(bare, '$V=192.0.2.10\n');
  const named = await culvert(['check', '--no-host', bare, '--format', 'keepalived', '--interface', 'eth0']);
  expect(named.stdout).toContain('services: 0');
});

test('includes are read in a process of their own, conditions by --config-id', async () => {
  await writeFile(
    join(directory, 'more.inc'),
    '@main virtual_server 192.0.2.11 80 {\n@main lb_kind TUN\n}\nbad {\n',
  );
  await writeFile(file, 'include more.inc\n');
  const { status, stderr } = await culvert([
    'check',
    '--no-host',
    file,
    '--interface',
    'eth0',
    '--config-id',
    'main',
    '--strict',
  ]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/more\.inc:4:1: unknown keyword 'bad'/);
});

test('a director runs on it and reloads it; one with errors changes nothing', async () => {
  const running = new Running(['run', '-c', file, ...simulated()]);
  try {
    await Promise.race([
      running.stderr.waitFor(/ready/),
      running.ended.then(({ stderr }) => expect(stderr).toBe('')),
    ]);
    expect(running.stderr.text).toContain('vrrp_script: keepalived runs it');
    expect(await reals()).toEqual(['10.0.1.2', '10.0.2.2']);
    await writeFile(file, configuration(['10.0.1.2', '10.0.2.2', '10.0.3.2']));
    expect((await reload()).status).toBe(0);
    expect(await reals()).toHaveLength(3);
    await writeFile(file, configuration(['10.0.1.2']).replace('TUN', 'DR'));
    const refused = await reload();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/keepalived\.conf:6:10: lb_kind DR/);
    expect(await reals()).toHaveLength(3);
  } finally {
    running.signals.emit('SIGTERM');
    await running.ended;
  }
});
