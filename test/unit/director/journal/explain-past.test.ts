import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildDescribedPacket } from '../../../../src/cli/options/described-packet.ts';
import { assumeNetwork } from '../../../../src/dataplane/assumed-network.ts';
import { explainPast, type PastExplanation } from '../../../../src/director/journal/explain-past.ts';
import { Journal } from '../../../../src/director/journal/journal.ts';
import { JournalFile } from '../../../../src/director/journal/journal-file.ts';
import { readJournal } from '../../../../src/director/journal/read-journal.ts';
import { EMPTY_STATE } from '../../../../src/director/state/state-store.ts';
import type { Input } from '../../../../src/director/step/input.ts';
import { step } from '../../../../src/director/step/step.ts';
import type { World } from '../../../../src/director/world/world.ts';
import { explain } from '../../../../src/forwarding/explain.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { formatIp, ip } from '../../../../src/net/address/ip-address.ts';
import { TCP_FLAGS } from '../../../../src/net/headers/tcp.ts';
import { begin, results } from '../worlds.ts';

const YAML = `director: {interface: eth0, capacity: {slots: 65536, flows: 256}}
services:
  - {vip: 192.0.2.10, port: 80, quorum: 2, sorryServer: {address: 10.0.9.9}, reals: [{address: 10.0.0.1}, {address: 10.0.0.2}, {address: 10.0.0.3}]}
  - {vip: 192.0.2.10, port: 8080, scheduler: rr, reals: [{address: 10.0.0.1}]}
`;
const START_MS = Date.parse('2026-12-01T14:00:00Z');
const MINUTE = 60_000;

let directory: string;
let journal: Journal;
let world: World;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'culvert-past-'));
  start(0);
});
afterEach(() => rm(directory, { recursive: true }));

function start(minute: number): void {
  journal = new Journal({
    file: new JournalFile(join(directory, 'eth0.journal')),
    report: () => undefined,
    now: () => START_MS,
  });
  world = begin(YAML);
  journal.took({ kind: 'start', state: EMPTY_STATE, forwarded: [] }, world, START_MS + minute * MINUTE);
}

function take(minute: number, input: Input): void {
  const nowMs = START_MS + minute * MINUTE;
  world = step(world, input, nowMs).world;
  journal.took(input, world, nowMs);
}

function packet(port: number, clientPort: number, flags: number = TCP_FLAGS.syn): Uint8Array {
  const from = { address: ip('198.51.100.7'), port: clientPort };
  return buildDescribedPacket({ from, to: { address: ip('192.0.2.10'), port }, tcpFlags: flags });
}

function ask(minute: number, bytes: Uint8Array): PastExplanation {
  const times = { atMs: START_MS + minute * MINUTE, nowMs: START_MS + 1000 * MINUTE };
  return explainPast(readJournal(join(directory, 'eth0.journal')), bytes, times);
}

/** The real that an image of this table alone gives a flow. */
function realOf(table: World['table'], bytes: Uint8Array): string {
  const image = new ForwardingImage(allocateImageMemory({ slots: 65536, flows: 256 }));
  image.apply(table, 0);
  const { real } = explain(bytes, assumeNetwork(image), 0);
  return real === undefined ? 'none' : formatIp(real);
}

function words({ sentences }: PastExplanation): string {
  return sentences.join('\n');
}

test('an answer names a real whose next hop was not known then', async () => {
  const event = { type: 'next-hop', real: ip('10.0.0.2'), detail: 'no answer to ARP' } as const;
  take(10, { kind: 'plane', event: { ...event, resolved: false } });
  take(20, { kind: 'plane', event: { ...event, resolved: true, detail: 'eth0' } });
  await journal.close();
  const lost = '10.0.0.2 had no known next hop since 2026-12-01T14:10:00.000Z: no answer to ARP.';
  expect(words(ask(15, packet(80, 4000)))).toContain(lost);
  expect(words(ask(25, packet(80, 4000)))).not.toContain('next hop since');
});

test('an answer is that of the table of then, with what had made it so', async () => {
  const before = world.table;
  take(10, results(world, ['10.0.0.2']));
  const withoutTwo = world.table;
  take(20, { kind: 'override', selector: { address: ip('10.0.0.3') }, change: { drained: true } });
  await journal.close();
  for (let port = 4000; port < 4012; port++) {
    const flow = packet(80, port);
    for (const [minute, table] of [
      [9, before],
      [19, withoutTwo],
      [60, world.table],
    ] as const) {
      const { real } = ask(minute, flow);
      expect(real && formatIp(real)).toBe(realOf(table, flow));
    }
  }
  const first = words(ask(9, packet(80, 4000)));
  expect(first).toContain('the configuration was of revision');
  expect(first).toContain('3 of 3 reals were up with their configured weights.');
  expect(first).toContain(
    'The service has not changed since the journal begins, at 2026-12-01T14:00:00.000Z.',
  );
  const second = words(ask(19, packet(80, 4000)));
  expect(second).toContain('10.0.0.2 was down since');
  expect(second).toContain(
    'The service last changed at 2026-12-01T14:10:00.000Z: 10.0.0.2 of tcp 192.0.2.10:80 is down: connection refused (1 failed attempt).',
  );
  expect(second).toContain('2 of 3 reals were up with their configured weights.');
  const third = words(ask(60, packet(80, 4000)));
  expect(third).toContain('10.0.0.3 was drained by an operator, since 2026-12-01T14:20:00.000Z.');
  expect(third).not.toContain('8080');
});

test('the quorum of then is said, and the sorry server that served', async () => {
  take(10, results(world, ['10.0.0.1', '10.0.0.2', '10.0.0.3']));
  await journal.close();
  const answer = ask(11, packet(80, 4000));
  expect(answer.real && formatIp(answer.real)).toBe('10.0.9.9');
  expect(words(answer)).toContain(
    'tcp 192.0.2.10:80 was without its quorum, with a healthy weight of 0, since 2026-12-01T14:10:00.000Z: its sorry server 10.0.9.9 served.',
  );
});

test('a slot that had moved has its fallback for one idle timeout, by the clock of then', async () => {
  const change = { weight: 0 };
  const before = world.table;
  take(10, { kind: 'override', selector: { address: ip('10.0.0.3') }, change });
  await journal.close();
  const client = Array.from({ length: 100 }, (_, index) => 4000 + index).find(
    (port) => realOf(before, packet(80, port)) === '10.0.0.3',
  ) as number;
  const [opening, going] = [packet(80, client), packet(80, client, TCP_FLAGS.ack)];
  const realAt = (minute: number, bytes: Uint8Array): string => {
    const { real } = ask(minute, bytes);
    return real === undefined ? 'none' : formatIp(real);
  };
  expect(realAt(9, going)).toBe('10.0.0.3');
  // A connection that is under way stays; the default idle timeout is 15 minutes.
  expect(realAt(20, going)).toBe('10.0.0.3');
  expect(realAt(20, opening)).not.toBe('10.0.0.3');
  expect(words(ask(20, going))).toMatch(/fallback|moved|transition/i);
  expect(realAt(26, going)).not.toBe('10.0.0.3');
  expect(words(ask(26, going))).toContain('10.0.0.3 had weight 0 instead of 100 by an operator');
});

test('a restart and a reload are in the answer', async () => {
  const { revision } = world.running.current;
  take(10, results(world, ['10.0.0.2']));
  await journal.close();
  start(30);
  const { current } = begin(YAML.replace('{address: 10.0.0.1}, ', '')).running;
  take(40, { kind: 'configure', verb: 'apply', loaded: current, deadlineMs: START_MS + 50 * MINUTE });
  await journal.close();
  expect(words(ask(29, packet(80, 4000)))).toContain(
    'The next director started at 2026-12-01T14:30:00.000Z. If none was running at this time, the xdp plane forwarded by the last table.',
  );
  expect(words(ask(31, packet(80, 4000)))).toContain(
    'last changed at 2026-12-01T14:30:00.000Z: a director started.',
  );
  const last = ask(41, packet(80, 4000));
  expect(last.revision).toBe(current.revision);
  expect(ask(31, packet(80, 4000)).revision).toBe(revision);
  expect(words(last)).toContain(
    'applied in place of the file, as of 2026-12-01T14:40:00.000Z, on trial until 2026-12-01T14:50:00.000Z.',
  );
  expect(words(last)).toContain('last changed at 2026-12-01T14:40:00.000Z: an apply.');
});

test('a time that the journal does not know is an error with the range that it knows', async () => {
  await journal.close();
  expect(() => ask(-1, packet(80, 4000))).toThrow(
    '2026-12-01T13:59:00.000Z is before the journal begins: it knows 2026-12-01T14:00:00.000Z to now',
  );
  expect(() => ask(1001, packet(80, 4000))).toThrow('is in the future');
});

test('a time in a gap is an error with the times of its ends', async () => {
  take(10, results(world, ['10.0.0.2']));
  await journal.close();
  await appendFile(join(directory, 'eth0.journal'), '{"atMs":17961315');
  start(30);
  await journal.close();
  expect(() => ask(11, packet(80, 4000))).not.toThrow();
  const inserted = '{"atMs":1796133900000,"kind":"gap"}\n';
  expect(START_MS + 5 * MINUTE).toBe(1796133900000);
  const path = join(directory, 'eth0.journal');
  const [first = '', ...rest] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [first, inserted.trim(), ...rest].join('\n'));
  expect(() => ask(11, packet(80, 4000))).toThrow(
    '2026-12-01T14:11:00.000Z is in a gap: entries from 2026-12-01T14:05:00.000Z to 2026-12-01T14:30:00.000Z are damaged, or were left out',
  );
  expect(() => ask(31, packet(80, 4000))).not.toThrow();
});

test('what no service gets is explained too', async () => {
  await journal.close();
  const answer = ask(1, packet(81, 4000));
  expect(answer.decision.verdict).not.toBe('forward');
  expect(words(answer)).not.toContain('quorum');
});
