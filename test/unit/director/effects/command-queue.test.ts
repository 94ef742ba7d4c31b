import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommandQueue } from '../../../../src/director/effects/command-queue.ts';
import { EventLog } from '../../../../src/director/event-log.ts';
import type { CommandConfig, RunConfig } from '../../../../src/linux/process/command-config.ts';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

let directory: string;
let file: string;
let events: EventLog;
let queue: CommandQueue;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-commands-'));
  file = join(directory, 'said');
  events = new EventLog({ now: Date.now, log: SILENT });
  queue = new CommandQueue(events, () => Promise.resolve());
});
afterEach(async () => {
  await queue.close(0);
  await rm(directory, { recursive: true });
});

function add(run: RunConfig, line = 'a', options: Partial<CommandConfig> = {}): void {
  const command = { run, timeoutMs: 30_000, user: undefined, ...options };
  queue.add({ line, title: `the command of ${line}`, command, environment: { FILE: file, LINE: line } });
}

const told = (): string[] =>
  events.after(0).map(({ level, type, message }) => `${level} ${type}: ${message}`);
const said = async (): Promise<string[]> => (await readFile(file, 'utf8')).trim().split('\n');

test('those of one line are run in their order and never two at once', async () => {
  for (let n = 0; n < 12; n++) add({ shell: `echo begin ${n} >> $FILE; sleep 0.01; echo end ${n} >> $FILE` });
  await queue.close(60_000);
  expect(await said()).toEqual(Array.from({ length: 12 }, (_, n) => [`begin ${n}`, `end ${n}`]).flat());
  expect(events.after(0).map(({ type }) => type)).toEqual(Array(12).fill('command'));
});

test('lines do not wait for each other', async () => {
  add({ shell: 'until [ -e $FILE ]; do sleep 0.01; done; echo a >> $FILE' }, 'a');
  add({ shell: 'echo b >> $FILE' }, 'b');
  await queue.close(60_000);
  expect(await said()).toEqual(['b', 'a']);
});

test('status, time and output are told', async () => {
  add({ shell: 'echo one; echo two >&2; exit 3' });
  add({ command: ['/no/such/program'] });
  add({ command: ['echo', '$HOME; exit 1'] });
  add({ shell: 'kill -TERM $$' });
  await queue.close(60_000);
  expect(told()).toEqual([
    expect.stringMatching(
      /^warning command: the command of a ended: exit status 3 after \d+m?s: (one \| two|two \| one)$/,
    ),
    'error command: the command of a could not be run: /no/such/program: no such program',
    expect.stringMatching(/^info command: .*exit status 0 after \d+m?s: \$HOME; exit 1$/),
    expect.stringMatching(/^warning command: .*killed by SIGTERM after \d+m?s$/),
  ]);
});

test('what cannot be run says why', async () => {
  await writeFile(file, 'exit 0');
  add({ command: [file] });
  await queue.close(60_000);
  expect(told()).toEqual([
    `error command: the command of a could not be run: ${file}: it may not be executed: see its mode, and that of the directories above it`,
  ]);
});

test('output reaches no terminal with the power to change it', async () => {
  add({ shell: String.raw`printf 'a\033[2J\000b\rc\r\nd\te\n'` });
  await queue.close(60_000);
  expect(told()[0]).toMatch(/: a\ufffd\[2J\ufffdb\ufffdc \| d\te$/);
});

test('much output is told in part', async () => {
  add({ shell: 'yes 0123456789 | head -n 100000; echo the end' });
  await queue.close(60_000);
  const [event] = told();
  expect(event).toMatch(/: \.\.\..*0123456789 \| the end$/);
  expect(event?.length).toBeLessThan(650);
});

test('at the end of its time the whole group is killed, and the next one has its turn', async () => {
  add({ shell: 'sleep 60 & echo $! > $FILE; wait' }, 'a', { timeoutMs: 300 });
  add({ shell: 'echo next' });
  await queue.close(60_000);
  expect(told()).toEqual([
    expect.stringMatching(/killed by SIGKILL because it took longer than 300ms after \d+m?s$/),
    expect.stringMatching(/exit status 0 after \d+m?s: next$/),
  ]);
  const [pid] = (await said()).map(Number);
  await vi.waitFor(async () => expect(await stateOf(pid)).toMatch(/^[XZ]?$/));
});

test('a line that grows too long loses its oldest', async () => {
  add({ shell: 'until [ -e $FILE ]; do sleep 0.01; done' });
  for (let n = 0; n < 66; n++) add({ shell: `echo ${n} >> $FILE` });
  add({ shell: 'echo go >> $FILE' }, 'b');
  await queue.close(60_000);
  expect((await said()).filter((text) => text !== 'go')).toEqual(
    Array.from({ length: 64 }, (_, n) => `${n + 2}`),
  );
  const dropped = told().filter((text) => text.startsWith('error command-dropped: '));
  expect(dropped).toHaveLength(2);
  expect(dropped[0]).toContain('the command of a was not run: 64 others wait behind it');
});

test('no more than 32 run at once', async () => {
  const shell = 'echo $LINE >> $FILE; until [ -e $FILE.go ]; do sleep 0.2; done';
  for (let n = 0; n < 40; n++) add({ shell }, `line ${n}`);
  await vi.waitFor(async () => expect(await said()).toHaveLength(32));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await said()).toHaveLength(32);
  await writeFile(`${file}.go`, '');
  await queue.close(60_000);
  expect(new Set(await said()).size).toBe(40);
});

test('the end lets them be run for a while, then kills them and says what was not run', async () => {
  add({ shell: 'echo begun > $FILE; sleep 60' });
  add({ shell: 'echo never >> $FILE' });
  await queue.close(400);
  expect(told()).toEqual([
    'error command-dropped: the command of a was not run: the director is stopping',
    expect.stringMatching(/^warning command: the command of a ended: killed by SIGKILL after \d+m?s$/),
  ]);
  expect(await said()).toEqual(['begun']);
});

test.runIf(process.getuid?.() === 0)('as another user, with that one alone', async () => {
  add({ shell: 'echo $(id -un) $(id -gn) $(id -G)' }, 'a', { user: 'nobody' });
  add({ shell: 'echo $(id -u) $(id -g) $(id -G)' }, 'a', { user: '65534:daemon' });
  add({ shell: 'echo $(id -u) $(id -g)' }, 'a', { user: '4242:4243' });
  add({ shell: 'true' }, 'a', { user: 'no-such-user' });
  add({ shell: 'true' }, 'a', { user: '4242' });
  add({ shell: 'true' }, 'a', { user: 'nobody:no-such-group' });
  await queue.close(60_000);
  const endings = told().map((text) => text.split(/ms: |s: |could not be run: /).at(-1));
  expect(endings).toEqual([
    'nobody nogroup 65534',
    '65534 1 1',
    '4242 4243',
    "there is no user 'no-such-user' in /etc/passwd",
    'user 4242 is not in /etc/passwd: its group has to be given, as 4242:GROUP',
    "there is no group 'no-such-group' in /etc/group",
  ]);
});

/** `Z` for a process that has ended and that nobody has waited for; empty: there is none. */
async function stateOf(pid = 0): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status.slice(status.lastIndexOf(')') + 2)[0] ?? '';
}
