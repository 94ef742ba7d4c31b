// What servers, files and users write reaches terminals, logs and answers without characters that would act there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listenApi, type RunningApi } from '../../../src/api/server/listen.ts';
import { openLog } from '../../../src/cli/log.ts';
import { EventLog } from '../../../src/director/event-log.ts';
import { printableJson, printableStyledText, printableText } from '../../../src/printable-text.ts';
import { ControlDouble } from '../api/control-double.ts';
import { culvert, Running, Sink } from './culvert.ts';

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** But for tab and line feed, which text may have. */
const CODES = [
  ...range(0, 8),
  ...range(11, 31),
  ...range(0x7f, 0x9f),
  ...range(0x20_0b, 0x20_0f),
  ...range(0x20_28, 0x20_2e),
  ...range(0x20_66, 0x20_69),
  0xfe_ff,
  0xd8_00,
  0xdf_ff,
  0xe_00_01,
  0xe_00_41,
  0xe_00_7f,
];
/** In UTF-8 there is no half of a pair, and no argument has a NUL. */
const IN_FILES = CODES.filter((code) => code !== 0 && (code < 0xd8_00 || code > 0xdf_ff));

const COLOURS_AND_LINE_ENDS = new RegExp(`${String.fromCharCode(0x1b)}\\[\\d+m|\r\n`, 'g');

/** The first character that should not be there, by its code. */
function unprintableIn(text: string): string | undefined {
  const plain = text.replaceAll(COLOURS_AND_LINE_ENDS, '');
  const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(plain)?.[0];
  const found = lone ?? Array.from(plain).find((one) => CODES.includes(one.codePointAt(0) ?? -1));
  return found === undefined ? undefined : `U+${found.codePointAt(0)?.toString(16)}`;
}

const nasty = (codes: readonly number[]): string =>
  `<${codes.map((code) => String.fromCodePoint(code)).join('.')}>`;
const ALL = nasty(CODES);

/** Text that is rather nasty. */
const texts = fc
  .array(fc.oneof(fc.constantFrom(...CODES), fc.nat(0x10_ff_ff)), { maxLength: 40 })
  .map((codes) => String.fromCodePoint(...codes));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-printable-'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('the functions', () => {
  test('take out what acts, and nothing else', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const printable = printableText(text);
        expect(unprintableIn(printable)).toBeUndefined();
        expect(printableText(printable)).toBe(printable);
        expect(unprintableIn(printableStyledText(text))).toBeUndefined();
      }),
    );
    const plain = 'Grüße, 中文, עברית, e\u0301, \u{1f600}\tand\nmore\r\n';
    expect(printableText(plain)).toBe(plain);
    expect(printableStyledText('\u001b[31mred\u001b[0m\u001b[2J')).toBe('\u001b[31mred\u001b[0m\ufffd[2J');
  });

  test('JSON loses nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(texts, texts), (value) => {
        const json = printableJson(value, 2);
        expect(JSON.parse(json)).toEqual(value);
        expect(unprintableIn(json)).toBeUndefined();
      }),
    );
  });
});

async function expectPrintable(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const piped = await culvert(argv, env);
  const { stdout, stderr } = await new Running(argv, env, true).ended;
  const all = piped.stdout + piped.stderr + stdout + stderr;
  expect(all.length).toBeGreaterThan(0);
  expect(unprintableIn(all)).toBeUndefined();
  return all;
}

describe('a command', () => {
  const inArguments = nasty(IN_FILES);

  test.each([
    [[inArguments]],
    [['reals', `--${inArguments}`]],
    [['reals', inArguments]],
    [['weight', inArguments, '5']],
    [['weight', '10.0.0.1', inArguments]],
    [['lab', '--plane', inArguments]],
    [['explain', '--from', inArguments, '--to', '192.0.2.1:80']],
    [['ipvsadm', inArguments]],
    [['ipvsadm', '-A', '-t', inArguments]],
    [['check', `/${inArguments}.yaml`]],
    [['reals', '--socket', `/${inArguments}`]],
    [['realserver', 'verify', '--vip', inArguments, '--interface', inArguments]],
  ])('with odd arguments: %#', async (argv) => {
    await expectPrintable(argv);
  });

  test.each([
    ['yaml', `director: {interface: "${'x'.repeat(3)}"}\nservices: [{vip: ":"}]\n`],
    ['yaml', 'director:\n  interface: eth0\n  :: [:}\nservices: {\n'],
    ['yaml', 'director: {interface: eth0, :: 1}\nservices: []\n'],
    [
      'yaml',
      'director: {interface: eth0}\nservices: [{vip: 192.0.2.1, port: 80, reals: [], onUp: {shell: x, user: "::"}}]\n',
    ],
    ['yaml', 'director: {interface: "::"}\nservices: !:: []\n'],
    ['conf', 'virtual_server 192.0.2.1 80 {\n  :: 1\n  lvs_sched ::\n  real_server :: 80 {\n'],
  ])('that reads a file of %s with them: %#', async (ending, template) => {
    // YAML refuses some of them wherever they stand, so each is tried by itself as well.
    for (const codes of [
      IN_FILES,
      ...[0x1b, 0x85, 0x9b, 0x200b, 0x2028, 0x202e, 0xfeff, 0xe0041].map((c) => [c]),
    ]) {
      const file = join(directory, `file.${ending}`);
      await writeFile(file, template.replaceAll('::', nasty(codes)).replaceAll(':"', `${nasty(codes)}"`));
      const { stdout, stderr } = await culvert(['check', file]);
      expect(unprintableIn(stdout + stderr), JSON.stringify(codes)).toBeUndefined();
      expect(stderr).not.toBe('');
    }
  });

  describe('of a director', () => {
    let control: ControlDouble;
    let api: RunningApi;

    beforeEach(async () => {
      control = new ControlDouble();
      const socketPath = join(directory, 'eth0.sock');
      api = await listenApi({ control, version: '1', onDown: () => undefined, socketPath });
    });

    afterEach(() => api.close());

    test('shows events as they may be shown, and in JSON as they were', async () => {
      const env = { CULVERT_RUN_DIRECTORY: directory };
      control.emit('warning', 'real-down', ALL);
      await expectPrintable(['events'], env);
      await expectPrintable(['events', '--json'], env);
      await expectPrintable(['reals'], env);
      await expectPrintable(['drain', inArguments], env);
    });
  });
});

test('events and log lines are printable, on a terminal or not', async () => {
  for (const terminal of [false, true]) {
    const stderr = new Sink(terminal);
    const stdout = new Sink();
    const log = await openLog({ argv: [], stdout, stderr, env: {} } as never);
    const events = new EventLog({ now: () => 0, log });
    events.add('warning', 'real-down', `SMTP: ${ALL}`);
    expect(unprintableIn(events.after(0)[0]?.message ?? ALL)).toBeUndefined();
    await stderr.waitFor(/SMTP/);
    expect(unprintableIn(stderr.text)).toBeUndefined();
  }
});
