import { appendFile, mkdir, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Journal } from '../../../../src/director/journal/journal.ts';
import { JournalFile } from '../../../../src/director/journal/journal-file.ts';
import { readJournal } from '../../../../src/director/journal/read-journal.ts';
import { type Moment, replay } from '../../../../src/director/journal/replay.ts';
import { EMPTY_STATE } from '../../../../src/director/state/state-store.ts';
import type { Input } from '../../../../src/director/step/input.ts';
import { step } from '../../../../src/director/step/step.ts';
import { allReals, type World } from '../../../../src/director/world/world.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { begin, DOWN, results } from '../worlds.ts';

const MIB = 2 ** 20;
const REALS = Array.from({ length: 40 }, (_, index) => `10.0.0.${index + 1}`);

function yaml(size: string, reals: readonly string[] = REALS): string {
  const list = reals.map((address) => `{address: ${address}}`).join(', ');
  return `director: {interface: eth0, journalSize: ${size}}\nservices:\n  - {vip: 192.0.2.10, port: 80, reals: [${list}]}\n`;
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-journal-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** A journal, and the world that it follows on a clock that only the test moves. */
class Subject {
  readonly path: string;
  readonly journal: Journal;
  readonly events: string[] = [];
  nowMs = 1_000_000;
  world: World;

  constructor(
    size = '1MiB',
    path: string = join(directory, 'eth0.journal'),
    reals: readonly string[] = REALS,
  ) {
    this.path = path;
    this.journal = new Journal({
      file: new JournalFile(path),
      report: (_level, type) => this.events.push(type),
      now: () => this.nowMs,
    });
    this.world = begin(yaml(size, reals));
    this.journal.took({ kind: 'start', state: EMPTY_STATE, forwarded: [] }, this.world, this.nowMs);
  }

  take(input: Input): void {
    this.world = step(this.world, input, this.nowMs).world;
    this.journal.took(input, this.world, this.nowMs);
  }

  weight(weight: number): void {
    this.take({ kind: 'override', selector: { address: ip('10.0.0.1') }, change: { weight } });
  }

  reload(size: string, reals?: readonly string[]): void {
    const loaded = begin(yaml(size, reals)).running.current;
    this.take({ kind: 'configure', verb: 'reload', loaded });
  }

  replayed(): Moment[] {
    return [...replay(readJournal(this.path))];
  }

  expectReplayed(): void {
    const last = this.replayed().at(-1);
    expect(last?.kind).toBe('known');
    if (last?.kind !== 'known') return;
    expect(last.world.table).toEqual(this.world.table);
    expect(last.world.byHand).toEqual(this.world.byHand);
  }
}

test('only root can read it, and it goes on where an earlier run has ended in the middle of a line', async () => {
  const first = new Subject();
  first.weight(7);
  await first.journal.close();
  expect((await stat(first.path)).mode & 0o777).toBe(0o600);
  await truncate(first.path, (await stat(first.path)).size - 20);
  const second = new Subject();
  second.weight(9);
  await second.journal.close();
  const kinds = second.replayed().map((moment) => (moment.kind === 'gap' ? moment.damaged : moment.cause));
  expect(kinds).toMatchObject(['started', true, 'started', { kind: 'override' }]);
  second.expectReplayed();
  // What is being written now is no damage.
  await appendFile(second.path, '{"atMs":1000000,"kind":"inp');
  second.expectReplayed();
});

test('attempts that find what was known are not written', async () => {
  const subject = new Subject();
  subject.take(results(subject.world, ['10.0.0.2']));
  const failedAgain = allReals(subject.world).flatMap(({ health, checks }) =>
    health?.up ? [] : checks.map(({ key }) => ({ key, state: { ...DOWN, failures: 2 } })),
  );
  for (let i = 0; i < 100; i++) {
    subject.take({ kind: 'checks', results: failedAgain });
    subject.take(results(subject.world, ['10.0.0.2']));
  }
  await subject.journal.close();
  expect(subject.replayed()).toHaveLength(2);
  subject.expectReplayed();
});

test('a reload of a file in which nothing has changed is written without the file', async () => {
  const subject = new Subject();
  await subject.journal.flush();
  const { size } = await stat(subject.path);
  for (let i = 0; i < 10; i++) subject.reload('1MiB');
  await subject.journal.close();
  expect((await stat(subject.path)).size - size).toBeLessThan(2000);
  expect(subject.replayed()).toHaveLength(11);
  subject.expectReplayed();
});

test('its two files stay within the size, and replay begins with the older one', async () => {
  const subject = new Subject();
  for (let i = 0; i < 3000; i++) {
    subject.nowMs += 3_600_000;
    const down = REALS.filter((_, index) => (index + i) % 3 === 0);
    subject.take(results(subject.world, down));
    if (i % 50 === 0) await subject.journal.flush();
  }
  await subject.journal.close();
  const sizes = await Promise.all(
    [subject.path, `${subject.path}.old`].map(async (path) => (await stat(path)).size),
  );
  expect(Math.max(...sizes)).toBeLessThan(0.6 * MIB);
  expect((await stat(`${subject.path}.old`)).mode & 0o777).toBe(0o600);
  expect(subject.events).toEqual([]);
  const moments = subject.replayed();
  expect(moments.filter(({ kind }) => kind === 'gap')).toEqual([]);
  expect(moments[0]).toMatchObject({ kind: 'known', cause: undefined });
  subject.expectReplayed();
});

test('what comes too fast leaves a gap, and a snapshot ends it', async () => {
  const subject = new Subject();
  for (let i = 0; i < 1000; i++) {
    subject.take(
      results(
        subject.world,
        REALS.filter((_, index) => (index + i) % 2 === 0),
      ),
    );
  }
  await subject.journal.close();
  const { size } = await stat(subject.path);
  expect(size).toBeLessThan(0.3 * MIB);
  const last = subject.replayed().at(-1);
  expect(last).toEqual({ kind: 'gap', atMs: 1_000_000, damaged: false });
});

test('a gap ends once there is room again', async () => {
  const subject = new Subject();
  for (let i = 0; i < 1000; i++) {
    subject.take(
      results(
        subject.world,
        REALS.filter((_, index) => (index + i) % 2 === 0),
      ),
    );
  }
  subject.nowMs += 3_600_000;
  await subject.journal.flush();
  subject.weight(7);
  await subject.journal.close();
  const [before, gap, after, input] = subject.replayed().slice(-4);
  expect([before?.kind, gap?.kind, after?.kind, input?.kind]).toEqual(['known', 'gap', 'known', 'known']);
  subject.expectReplayed();
});

test('a file that cannot be written is reported once, and costs a gap', async () => {
  const subject = new Subject('1MiB', join(directory, 'state', 'eth0.journal'));
  await mkdir(join(directory, 'state', 'eth0.journal'), { recursive: true });
  await subject.journal.flush();
  subject.weight(7);
  await subject.journal.flush();
  expect(subject.events).toEqual(['journal-not-written']);
  await rm(join(directory, 'state'), { recursive: true });
  subject.weight(8);
  await subject.journal.flush();
  expect(subject.events).toEqual(['journal-not-written', 'journal-written']);
  subject.weight(9);
  await subject.journal.close();
  expect(subject.replayed()).toHaveLength(2);
  subject.expectReplayed();
});

test('size 0 removes it, at the start and at a reload, and another size begins it', async () => {
  const subject = new Subject();
  await subject.journal.flush();
  subject.reload('0');
  await subject.journal.flush();
  expect(() => subject.replayed()).toThrow('there is no journal');
  subject.weight(7);
  await subject.journal.flush();
  expect(() => subject.replayed()).toThrow('there is no journal');
  subject.reload('2MiB');
  await subject.journal.close();
  subject.expectReplayed();
  const next = new Subject('0');
  await next.journal.close();
  expect(() => next.replayed()).toThrow('there is no journal');
});

test('a configuration that is too large for it switches it off, and says so', async () => {
  const many = Array.from({ length: 3000 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
  const subject = new Subject('1MiB', undefined, [...REALS, ...many]);
  subject.weight(3);
  subject.reload('1MiB');
  await subject.journal.close();
  expect(subject.events).toEqual(['journal-off']);
  expect(readJournal(subject.path).map(({ kind }) => kind)).toEqual(['gap']);
});

test('remove takes both files away', async () => {
  const subject = new Subject();
  await subject.journal.flush();
  await appendFile(`${subject.path}.old`, '');
  await subject.journal.remove();
  await expect(readFile(subject.path)).rejects.toThrow('ENOENT');
  await expect(readFile(`${subject.path}.old`)).rejects.toThrow('ENOENT');
});

test('a line that parses and makes no sense is a gap too', async () => {
  const subject = new Subject();
  subject.weight(7);
  await subject.journal.flush();
  await appendFile(subject.path, '{"atMs":1000001,"kind":"input","input":{"kind":"override"}}\n');
  expect(subject.replayed().at(-1)).toEqual({ kind: 'gap', atMs: 1_000_001, damaged: true });
  await subject.journal.close();
});
