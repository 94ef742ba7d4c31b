import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { culvert } from './culvert.ts';

const VALID = `director:
  interface: nosuch0
services:
  - {vip: 192.0.2.10, port: 80, reals: [{address: 10.0.1.2}, {address: 10.0.2.2}]}
`;

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-check-'));
  file = join(directory, 'culvert.yaml');
  await writeFile(file, VALID);
});

afterEach(() => rm(directory, { recursive: true }));

test('a valid file, looked at alone', async () => {
  expect(await culvert(['check', '--no-host', file])).toEqual({
    status: 0,
    stderr: '',
    stdout: `${file}: valid; services: 1, reals: 2\n`,
  });
  const { stdout } = await culvert(['check', '--no-host', '--json', file]);
  expect(JSON.parse(stdout)).toEqual({ file, valid: true, services: 1, reals: 2, errors: [] });
});

test('an interface that this machine lacks, at its place in the file', async () => {
  const { status, stderr } = await culvert(['check', file]);
  expect(status).toBe(1);
  expect(stderr).toContain(`${file}:2:14: director.interface: this machine has no interface 'nosuch0'`);
});

test('a user that this machine lacks is a warning at the service', async () => {
  const user = 'check: {type: misc, command: ["true"], user: no-such-user}';
  const onUp = 'onUp: {shell: "true", user: nobody}';
  const text = VALID.replace('interface: nosuch0', 'plane: simulated');
  await writeFile(file, text.replaceAll(/(10\.0\.\d\.2)/g, `$1, ${user}, ${onUp}`));
  const warning =
    `${file}:4:11: commands or checks of this service cannot be run: ` +
    "there is no user 'no-such-user' in /etc/passwd";
  expect(await culvert(['check', file])).toEqual({
    status: 0,
    stderr: `${warning} (warning)\n`,
    stdout: `${file}: valid; services: 1, reals: 2\n`,
  });
  const { stdout } = await culvert(['check', '--json', file]);
  expect(JSON.parse(stdout)).toMatchObject({ valid: true, warnings: [warning] });
  expect((await culvert(['check', '--no-host', file])).stderr).toBe('');
});

test('every error of a file, each at its place', async () => {
  await writeFile(file, VALID.replace('port: 80', 'port: 65536').replace('interface', 'intreface'));
  const { status, stdout, stderr } = await culvert(['check', '--no-host', file]);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  const lines = stderr.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line).toMatch(/culvert\.yaml:\d+:\d+: \S/);
  const json = await culvert(['check', '--no-host', '--json', file]);
  expect(json.status).toBe(1);
  const { valid, errors } = JSON.parse(json.stdout);
  expect(valid).toBe(false);
  expect(errors).toHaveLength(lines.length);
  for (const error of errors) {
    expect(error).toEqual({
      line: expect.any(Number),
      column: expect.any(Number),
      message: expect.any(String),
    });
  }
});

test('a file that is not there', async () => {
  const missing = join(directory, 'missing.yaml');
  const { status, stderr } = await culvert(['check', missing]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/missing\.yaml: no such file/);
});

test('services that need more ring slots than the plane has', async () => {
  await writeFile(file, VALID.replace('nosuch0', 'nosuch0\n  capacity: {slots: 2048}'));
  const { status, stderr } = await culvert(['check', '--no-host', file]);
  expect(status).toBe(1);
  expect(stderr).toBe(
    `${file}: the services need 4096 ring slots together, director.capacity.slots is 2048; fix: set it to 4096 or more ` +
      '(with a keepalived.conf: --set capacity.slots=4096) and restart, or use fewer services or reals\n',
  );
});
