import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bigConfig } from '../../../bench/big-table.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

/** A checkout of its own, whose sources can be changed. */
let checkout: string;

beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'culvert-bundle-'));
  await mkdir(join(checkout, 'scripts'));
  for (const file of ['src', 'culvert', 'package.json', 'scripts/bundle.ts'])
    await cp(join(ROOT, file), join(checkout, file), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  await symlink(join(ROOT, '.toolchain'), join(checkout, '.toolchain'));
  await bundle();
});

afterAll(() => rm(checkout, { recursive: true, force: true }));

async function bundle(): Promise<void> {
  await run(process.execPath, [join(checkout, 'scripts/bundle.ts')]);
}

/** Where a command ran from: its stack trace says so. */
async function ranFrom(...words: readonly string[]): Promise<'bundle' | 'sources'> {
  const failed = run(join(checkout, 'culvert'), [...words, '--debug']);
  const stderr = await failed.then(
    () => '',
    (error: unknown) => (error as { stderr: string }).stderr,
  );
  expect(stderr).toMatch(/\/(?:build|src)\/.*:\d+:\d+/);
  return stderr.includes('/build/cli/') ? 'bundle' : 'sources';
}

const NOBODY = ['--socket', '/nonexistent/culvert.sock'] as const;

test('the launcher runs the bundle, through a link too, and every command is in it', async () => {
  expect(await ranFrom('reals', ...NOBODY)).toBe('bundle');
  await symlink(join(checkout, 'culvert'), join(checkout, 'link'));
  expect((await run(join(checkout, 'link'), ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const { stdout } = await run(join(checkout, 'culvert'), ['--help']);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2}.*$/gm)].map(([, name]) => name as string);
  expect(names).toContain('realserver');
  for (const name of names) {
    const help = await run(join(checkout, 'culvert'), ['help', name]);
    expect(help.stdout).toContain(name === 'ipvsadm' ? 'ipvsadm' : `Usage: culvert ${name}`);
  }
});

test('what a command starts as a process of its own is in it', async () => {
  const file = join(checkout, 'big.yaml');
  await writeFile(file, bigConfig({ instance: 'big', runDirectory: checkout }));
  const { stdout } = await run(join(checkout, 'culvert'), ['check', '--no-host', file]);
  expect(stdout).toContain('services: 1000, reals: 10000');
});

test('a source that is another one is what runs, until the bundle is made of it', async () => {
  const file = join(checkout, 'src/cli/tables/reals-table.ts');
  const text = await readFile(file, 'utf8');
  await writeFile(file, `${text}\n// More.\n`);
  expect(await ranFrom('reals', ...NOBODY)).toBe('sources');
  await bundle();
  expect(await ranFrom('reals', ...NOBODY)).toBe('bundle');
});

test('a source that is gone is not passed over', async () => {
  const file = join(checkout, 'src/api/client/client.ts');
  const text = await readFile(file, 'utf8');
  await rm(file);
  const failed = run(join(checkout, 'culvert'), ['reals', ...NOBODY]);
  await expect(failed).rejects.toMatchObject({ stderr: expect.stringContaining('client.ts') });
  await writeFile(file, text);
  await bundle();
});

test('without a bundle the sources run', async () => {
  await rm(join(checkout, 'build'), { recursive: true });
  expect(await ranFrom('reals', ...NOBODY)).toBe('sources');
  await bundle();
});
