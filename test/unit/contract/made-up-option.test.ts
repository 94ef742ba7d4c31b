import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** What is written to add an option to a service: in which file, before which line, which lines. */
const PATCHES: readonly (readonly [file: string, before: string, lines: string])[] = [
  [
    'src/contract/config/service-contract.ts',
    '  tunnel: optional(tunnelSchema',
    "  madeUp: forwarded(option(yesOrNo, { default: false, description: 'an option that is made up' })),\n",
  ],
  ['src/forwarding/forwarding-table.ts', '  readonly onePacket?: boolean;', '  readonly madeUp?: boolean;\n'],
  [
    'src/forwarding/image/tables/service-record.ts',
    "  if (protocol === 'sctp')",
    "  if ('madeUp' in service && service.madeUp === true) return SERVICE_KIND.rare;\n",
  ],
];

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROBE = fileURLToPath(new URL('made-up/probe.ts', import.meta.url));
const run = promisify(execFile);

interface Outcome {
  readonly absent: boolean;
  readonly written: boolean;
  readonly inherited: boolean;
  readonly refused: string;
  readonly document: object;
  readonly table: object;
  readonly kinds: readonly number[];
  readonly body: readonly string[];
  readonly openApi: boolean;
  readonly reference: string;
  readonly jsonSchema: string;
  readonly diff: object;
  readonly printed: string;
}

let copy: string;
let outcome: Outcome;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'culvert-made-up-'));
  for (const name of ['src', 'package.json', 'tsconfig.json'])
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, before, lines] of PATCHES) {
    const text = await readFile(join(copy, file), 'utf8');
    expect(text.split(before).length, `${file}: ${before}`).toBe(2);
    await writeFile(join(copy, file), text.replace(before, lines + before));
  }
  const { stdout } = await run(process.execPath, [PROBE, copy], { maxBuffer: 1 << 24 });
  outcome = JSON.parse(stdout) as Outcome;
});

afterAll(() => rm(copy, { recursive: true, force: true }));

test('an option of a service takes four files at most', () => {
  expect(new Set(PATCHES.map(([file]) => file)).size).toBeLessThanOrEqual(4);
});

test('its types hold together', async () => {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const config = join(copy, 'tsconfig.one.json');
  await writeFile(config, JSON.stringify({ extends: './tsconfig.json', include: ['src'] }));
  await expect(run(tsc, ['--noEmit', '-p', config])).resolves.toMatchObject({ stdout: '' });
});

test('files say it, `defaults` do, and what is wrong has its place', () => {
  expect([outcome.absent, outcome.written, outcome.inherited]).toEqual([false, true, true]);
  expect(outcome.refused).toMatch(
    /^x\.yaml:3:\d+: services\[0\]\.madeUp: found 'maybe'; allowed: true or false$/,
  );
});

test('documents, differences and the printer of imports have it', () => {
  expect(outcome.document).toMatchObject({ services: [{ madeUp: true }] });
  expect(outcome.diff).toMatchObject({
    services: [{ change: 'changed', settings: [{ setting: 'madeUp', from: 'false', to: 'true' }] }],
  });
  expect(outcome.printed).toContain('madeUp: true');
});

test('the forwarding table has it, and the image does what it says', () => {
  expect(outcome.table).toMatchObject({ services: [{ madeUp: true }] });
  const [without, withIt] = outcome.kinds;
  expect(withIt).not.toBe(without);
});

test('the API, OpenAPI, the reference and the schema for editors have it', () => {
  expect(outcome.body).toContain('madeUp');
  expect(outcome.openApi).toBe(true);
  expect(outcome.reference).toContain('| `madeUp` | `false` | an option that is made up |');
  expect(outcome.jsonSchema).toContain(
    '"madeUp":{"description":"an option that is made up","type":"boolean","default":false}',
  );
});
