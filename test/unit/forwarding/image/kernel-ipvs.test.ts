// What kernel IPVS was recorded to do with states, thresholds, persistence and reals that go, against image and forwarder.
import { describe, expect, it } from 'vitest';
import { formatEndpoint, ip } from '../../../../src/net/address/ip-address.ts';
import { readGolden, readStates, type Scenario } from '../../../golden/ipvs/golden.ts';
import { KernelReplay } from './kernel-replay.ts';

/** Sysctls whose other value culvert has no use for; see docs/reference/ipvs-differences.md. */
const FIXED_SYSCTLS: Readonly<Record<string, number>> = {
  conn_reuse_mode: 2,
};

function isComparable({
  service,
  sysctls = {},
  random,
}: Pick<Scenario, 'service' | 'sysctls' | 'random'>): boolean {
  const fixed = Object.entries(FIXED_SYSCTLS).every(([name, value]) => (sysctls[name] ?? value) === value);
  return fixed && random !== true && service.mark === undefined && service.scheduler !== 'mh';
}

describe('states of kernel IPVS', () => {
  const tables = readStates().tables.filter(isComparable);
  it.each(tables.map((table) => [table.name, table] as const))('%s', async (_name, table) => {
    const scenario = {
      ...table,
      reals: [{ name: 'A', address: '10.0.1.2', weight: 1 }],
      flows: { client: '198.51.100.7', port: 40000 },
    };
    for (const [sequence, after] of Object.entries(table.after)) {
      const packets = sequence.split(', ');
      const [to, ...state] = after.split(' ');
      const replay = new KernelReplay(scenario);
      const letters = packets.map((send) => replay.step({ send, flows: '0' }));
      if (to === 'A' || to === '.') expect(letters.at(-1), sequence).toBe(to);
      // A reset flow holds no place: what comes after differs, too.
      // One that began with a FIN, as sloppy_tcp has it, is half-open after a SYN.
      const before = packets.slice(packets[0] === 'FIN|ACK' ? 1 : 0, Math.max(0, packets.indexOf('RST')));
      const halfOpen = before.every((send) => send.includes('SYN') || send === 'RST');
      const timeWaits = before.some((send) => send.includes('FIN'));
      if (before.length > 0 && halfOpen && !timeWaits) continue;
      expectAlike([await replay.only()], [state.join(' ')], sequence);
    }
  });
});

function split(line: string): readonly string[] {
  return /^(.*) (\d+)$/.exec(line)?.slice(1) ?? [line];
}

/**
 * Lines that end in seconds to live. Those are off by a few where a recording, or the sweeps of a replay, took a moment. A
 * template that was prolonged gets 60 s from a new connection of the kernel, and its own timeout from culvert.
 */
function expectAlike(actual: readonly string[], expected: readonly string[], where: string): void {
  expect(
    actual.map((line) => split(line)[0]),
    where,
  ).toEqual(expected.map((line) => split(line)[0]));
  for (const [i, line] of actual.entries()) {
    const [what = '', seconds = '0'] = split(line);
    const recorded = Number(split(expected[i] as string)[1] ?? 0);
    if (/ (NONE|ASSURED)$/.test(what) && recorded <= 60) continue;
    expect(Math.abs(Number(seconds) - recorded), `${where}: ${line}`).toBeLessThanOrEqual(4);
  }
}

/** The step from which on it is another real's turn: culvert's turns are precomputed, and a change does not go on from the last. */
const OTHER_TURN: Readonly<Record<string, number>> = {
  'rr, limits change': 8,
  'wrr, limits change': 4,
  'real removed, expire_nodest_conn 0': 8,
  'real of UDP removed, expire_nodest_conn 1': 4,
  'SYN, ACK, RST, then SYN, conn_reuse_mode 2': 8,
  'SYN, ACK, FIN|ACK, then SYN, conn_reuse_mode 2': 8,
  'SYN, ACK, FIN|ACK, ACK, then SYN, conn_reuse_mode 2': 10,
  // Its clients are moved from a full real, too; see docs/reference/ipvs-differences.md.
  'lblc, limits change': 2,
};

describe.each(['thresholds', 'connections', 'persistence'])('%s of kernel IPVS', (file) => {
  const scenarios = readGolden(file).scenarios.filter(isComparable);
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))('%s', async (_name, scenario) => {
    const replay = new KernelReplay(scenario);
    const steps = scenario.steps.slice(0, file === 'persistence' ? undefined : OTHER_TURN[scenario.name]);
    for (const [number, step] of steps.entries()) {
      const where = `step ${number}: ${JSON.stringify(step).slice(0, 80)}`;
      const to = replay.step(step);
      if (step.to !== undefined) expect(blur(to, to), where).toBe(blur(step.to, to));
      if (step.counts !== undefined) expect(replay.counts(), where).toEqual(step.counts);
      if (step.connections === undefined) continue;
      const connections = step.connections.filter(isCurrent).map((line) => ofService(line, scenario));
      expectAlike(await replay.connections(), connections.toSorted(), where);
    }
  });
});

/** culvert does not remember which port of a service a flow is of. */
function ofService(line: string, { service }: Scenario): string {
  return line.replace(/^(\S+ \S+ )\S+/, `$1${formatEndpoint(ip(service.vip), service.port)}`);
}

/** Packets of which the answer was withheld by the rate limit, which culvert has and the recordings have not. */
function blur(letters: string, replayed: string): string {
  return letters
    .split('')
    .map((letter, i) => (replayed[i] === '?' && 'ru'.includes(letter) ? '?' : letter))
    .join('');
}

/** The kernel keeps a template whose real is gone aside; culvert gives it to the new real. */
function isCurrent(connection: string): boolean {
  return !/:0 \S+:65535 /.test(connection);
}
