// A director run by a user that is not root, as docs/guides/unprivileged.md has it.
//
//   namespace of the director: eth0 10.0.0.2/24 ──veth── eth0 (namespace of its peer)
//   In a mount namespace of its own: bpffs with a directory of the user's, /dev/net/tun for all, and the checkout where the
//   user can read it, wherever it is.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../../../src/linux/namespaces/netns.ts';

const run = promisify(execFile);
const [DIRECTOR, PEER] = [`unpd${process.pid}`, `unpp${process.pid}`];
const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const UID = 12345;
const CAPABILITIES = ['net_admin', 'net_raw', 'sys_admin'];

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-unprivileged-'));
  for (const name of [DIRECTOR, PEER]) createNamespace(name);
  connectNamespaces({ namespace: DIRECTOR, name: 'eth0' }, { namespace: PEER, name: 'eth0' });
  await runInNamespace(DIRECTOR, ['ip', 'address', 'add', '10.0.0.2/24', 'dev', 'eth0']);
  await run('chmod', ['755', directory]);
  await run('install', ['-d', '-o', `${UID}`, '-g', `${UID}`, `${directory}/run`, `${directory}/state`]);
});

afterEach(async () => {
  for (const name of [DIRECTOR, PEER]) deleteNamespace(name);
  await rm(directory, { recursive: true });
});

/** What the script writes; `$CULVERT` in it is the program, with these capabilities, as the user. */
async function asUser(script: string, capabilities: readonly string[]): Promise<string> {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const setpriv = `setpriv --reuid ${UID} --regid ${UID} --clear-groups --inh-caps ${set} --ambient-caps ${set} --bounding-set ${set} --no-new-privs`;
  const checkout = join(directory, 'checkout');
  const node = process.execPath.replace(CHECKOUT, checkout);
  const prepared = [
    'set -e',
    `mkdir -p ${checkout}; mount --bind ${CHECKOUT} ${checkout}`,
    'mount -t tmpfs -o mode=755 tmpfs /dev/net; mknod -m 666 /dev/net/tun c 10 200',
    'mount -t bpf -o mode=711 bpf /sys/fs/bpf',
    `install -d -m 0700 -o ${UID} -g ${UID} /sys/fs/bpf/culvert`,
    `CULVERT="${setpriv} ${node} --disable-warning=ExperimentalWarning ${checkout}/src/cli/program.ts"`,
    'set +e',
    script,
  ].join('\n');
  const command = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', prepared];
  const { stdout, stderr } = await run('nsenter', [`--net=/run/netns/${DIRECTOR}`, ...command], {
    env: { PATH: process.env['PATH'] ?? '', CULVERT_RUN_DIRECTORY: `${directory}/run` },
  });
  return stdout + stderr;
}

async function configure(): Promise<string> {
  const file = join(directory, 'culvert.yaml');
  const shell = `grep -h CapEff /proc/self/status > ${directory}/state/capabilities`;
  const config = {
    director: {
      interface: 'eth0',
      instance: `unprivileged${process.pid}`,
      runDirectory: `${directory}/run`,
      stateDirectory: `${directory}/state`,
    },
    services: [
      {
        vip: '192.0.2.10',
        port: 80,
        reals: [{ address: '10.0.0.3', check: { type: 'misc', shell, interval: '1s' } }],
      },
    ],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

test('runs, forwards, answers its commands and goes, as a user with three capabilities', async () => {
  const file = await configure();
  const output = await asUser(
    [
      `$CULVERT run -c ${file} > ${directory}/log 2>&1 &`,
      `for i in $(seq 600); do grep -q ready ${directory}/log && [ -s ${directory}/state/capabilities ] && break; sleep 0.1; done`,
      '$CULVERT services',
      'ls -ln /sys/fs/bpf/culvert',
      '$CULVERT down && echo "it is down"',
      'wait; ls -A /sys/fs/bpf/culvert | wc -l',
    ].join('\n'),
    CAPABILITIES,
  );
  const log = await readFile(`${directory}/log`, 'utf8');
  expect(log).toContain('forwarding 1 service: xdp');
  expect(output, log).toContain('192.0.2.10');
  expect(output).toMatch(new RegExp(`${UID} +${UID}.*unprivileged`));
  expect(output).toMatch(/it is down\n0\n$/);
  // What a check runs has none of the director's capabilities.
  expect(await readFile(`${directory}/state/capabilities`, 'utf8')).toBe('CapEff:\t0000000000000000\n');
});

test.each(CAPABILITIES)('says that CAP_%s is missing', async (missing) => {
  const others = CAPABILITIES.filter((name) => name !== missing);
  const output = await asUser(`$CULVERT run -c ${await configure()} || true`, others);
  expect(output).toContain(`CAP_${missing.toUpperCase()}`);
});
