import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../../src/cli/program.ts', import.meta.url));
const LAUNCHER = fileURLToPath(new URL('../../../culvert', import.meta.url));
const run = promisify(execFile);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-program-'));
});

afterEach(() => rm(directory, { recursive: true }));

test('the launcher at the root runs it, also through a link', async () => {
  const link = join(directory, 'culvert');
  await symlink(LAUNCHER, link);
  for (const file of [LAUNCHER, link]) {
    expect((await run(file, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  }
});

test.each([
  ['the launcher', LAUNCHER],
  ['the file itself', MAIN],
])('by a link of the name ipvsadm %s is ipvsadm', async (_, target) => {
  const link = join(directory, 'ipvsadm');
  await symlink(target, link);
  const words = ['-A', '-t', '192.0.2.10'];
  const ended = target === MAIN ? run(process.execPath, [link, ...words]) : run(link, words);
  await expect(ended).rejects.toMatchObject({
    code: 2,
    stderr: 'Zero port specified for non-persistent service\n',
  });
});

test('the file itself may be called through a link, as npm does', async () => {
  const link = join(directory, 'culvert.ts');
  await symlink(MAIN, link);
  expect((await run(process.execPath, [link, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('the exit status is that of the command', async () => {
  const failed = run(process.execPath, [MAIN, 'reals', '--socket', join(directory, 'none.sock')]);
  await expect(failed).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^culvert: [^\n]*\n$/),
  });
  await expect(run(process.execPath, [MAIN, 'frobnicate'])).rejects.toMatchObject({ code: 2 });
});

test('a reader that goes away is no failure', async () => {
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const [stderr] = await Promise.all([
    child.stderr.toArray().then((chunks) => Buffer.concat(chunks).toString()),
    once(child, 'exit'),
  ]);
  expect(stderr).toBe('');
  expect(child.exitCode).toBe(0);
});

test('a slow reader gets all of it', async () => {
  // Several times what a pipe holds, and nobody reads until the program would have ended.
  const line = `yes -- '-A -t 192.0.2.10:80 --foo' | head -n 20000 | '${LAUNCHER}' ipvsadm -R 2>&1 | (sleep 2; wc -l)`;
  expect((await run('sh', ['-c', line])).stdout.trim()).toBe('20000');
});

test('a full disk is a failure', async () => {
  const full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', full.fd, 'pipe'] });
  const [stderr] = await Promise.all([child.stderr?.toArray(), once(child, 'exit')]);
  await full.close();
  expect(Buffer.concat(stderr ?? []).toString()).toMatch(/^culvert: standard output: ENOSPC/);
  expect(child.exitCode).toBe(1);
});
