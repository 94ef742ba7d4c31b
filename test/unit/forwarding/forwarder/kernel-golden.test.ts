import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import type { Tunnel } from '../../../../src/forwarding/forwarding-table.ts';
import { type IpHeader, isFragment, parseIpHeader } from '../../../../src/forwarding/packets/ip-header.ts';
import { learnPathMtu } from '../../../../src/forwarding/path-mtu/report.ts';
import type { ForwarderState } from '../../../../src/forwarding/state.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { readU16, writeU16, writeU32 } from '../../../../src/net/bytes.ts';
import { transportChecksum } from '../../../../src/net/checksum.ts';
import { PROTOCOL, writeIpv4Checksum } from '../../../../src/net/headers/ipv4.ts';
import { type GoldenTunnel, readGolden, type Scenario } from '../../../golden/ipvs/golden.ts';
import { fromHex, toHex } from '../../../golden/ipvs/hex.ts';
import { imageOf, NOW_MS, STANDARD_TABLE, standardState } from './fixture.ts';

/** Where what leaves is not what kernel IPVS sends, on purpose. */
interface Difference {
  /** The first column of the line in docs/reference/ipvs-differences.md that says why. */
  readonly line: string;
  readonly scenario: RegExp;
  /** By number; all of them unless given. */
  readonly steps?: readonly number[];
}

const BEHIND_A_REPORT = [2, 3, 4, 5, 6, 7, 8, 9, 10];
const DIFFERENCES: readonly Difference[] = [
  { line: 'ECN', scenario: /^(ipip|gre n|gre c|gue n|gue c).*, IPv. in IPv.$/, steps: [2] },
  { line: 'GUE with `remcsum`', scenario: /^gue remcsum/ },
  { line: "Fragments of a client's packet", scenario: /^IPv. fragments/ },
  { line: '`pmtu_disc`', scenario: /^pmtu_disc 0/ },
  {
    line: 'Frag-needed from the path to a real',
    scenario: /^(ipip|gre), IPv4 in IPv4: from the path/,
    steps: [5],
  },
  { line: 'A report that quotes too little', scenario: /^gue, IPv4 in IPv4: from the path/, steps: [4] },
  { line: 'Reports about tunnels over IPv6', scenario: /in IPv6: from the path/, steps: BEHIND_A_REPORT },
  {
    line: 'Reports about IPv6 in tunnels over IPv4',
    scenario: /IPv6 in IPv4: from the path/,
    steps: BEHIND_A_REPORT,
  },
];

/** So that no limit of answers is met: the recording had none. */
const STEP_MS = 10_000;
const CHECKSUMS = { nocsum: 'none', csum: 'full', remcsum: 'remote' } as const;

function tunnelOf({ type, checksum = 'nocsum', port = 0 }: GoldenTunnel): Tunnel {
  if (type === 'ipip') return { type };
  if (type === 'gue') return { type, checksum: CHECKSUMS[checksum], port };
  return { type, checksum: checksum === 'nocsum' ? 'none' : 'full' };
}

/** The recorded ones are of one firewall mark or port: here of TCP and of UDP. */
function stateOf({ service, reals }: Scenario): ForwarderState {
  const services = (['tcp', 'udp'] as const).map((protocol) => ({
    vip: ip(service.vip),
    protocol,
    port: 80,
    scheduler: 'rr' as const,
    hashOn: 'flow' as const,
    tunnel: { type: 'ipip' } as const,
    blackhole: { policy: 'refuse', after: 2 } as const,
    reals: reals.map(({ address, weight, tunnel }) => ({
      address: ip(address),
      weight,
      serving: true,
      tunnel: tunnelOf(tunnel ?? { type: 'ipip' }),
    })),
  }));
  return standardState(imageOf({ ...STANDARD_TABLE, services }));
}

function sent(packet: Uint8Array, state: ForwarderState, nowMs: number): readonly Uint8Array[] {
  const decision = decide(packet, state, nowMs);
  if (decision.verdict === 'forward') return decision.packets;
  if (decision.verdict === 'answer') return [decision.packet];
  const report = decision.verdict === 'pass' ? learnPathMtu(packet, state, nowMs) : undefined;
  return report?.answer === undefined ? [] : [report.answer.packet];
}

/** What is left to chance put out of the way as it is in the recording. */
function masked(packet: Uint8Array, guePort: number | undefined): string {
  const copy = packet.slice();
  const header = parseIpHeader(copy) as IpHeader;
  if (header.family === 4 && header.id !== 0) {
    writeU16(copy, 4, 1);
    writeIpv4Checksum(copy, 0, 20);
  }
  if (header.family === 6 && isFragment(header)) writeU32(copy, 44, 1);
  const udp = copy.subarray(header.headerBytes);
  const isGue =
    header.protocol === PROTOCOL.udp && header.fragmentOffsetBytes === 0 && readU16(udp, 2) === guePort;
  if (isGue) maskSourcePort(udp, header);
  return toHex(copy);
}

/** The sum of a fragment's whole datagram is not at hand, but what the port made of it can be taken back. */
function maskSourcePort(udp: Uint8Array, { source, destination, protocol, ...header }: IpHeader): void {
  const port = readU16(udp, 0);
  const checksum = readU16(udp, 6);
  writeU16(udp, 0, 0);
  if (checksum === 0) return;
  const sum = checksum + port;
  writeU16(udp, 6, (sum & 0xffff) + (sum >>> 16));
  if (!isFragment({ ...header, source, destination, protocol })) {
    expect(transportChecksum(udp, source, destination, protocol) % 0xffff).toBe(0);
  }
}

function differenceAt(scenario: string, step: number): Difference | undefined {
  return DIFFERENCES.find((one) => one.scenario.test(scenario) && (one.steps?.includes(step) ?? true));
}

const met = new Set<Difference>();

describe.each(['tunnels', 'headers', 'errors'])(
  'packets through kernel IPVS and the forwarder: %s',
  (file) => {
    test.each(readGolden(file).scenarios)('$name ($kernels)', (scenario) => {
      const state = stateOf(scenario);
      const guePort = scenario.reals[0]?.tunnel?.port;
      for (const [i, step] of scenario.steps.entries()) {
        const packets = 'packets' in step ? step.packets.map(fromHex) : [];
        const left = packets.flatMap((packet) => sent(packet, state, NOW_MS + i * STEP_MS));
        const ours = left.map((packet) => masked(packet, guePort));
        const difference = differenceAt(scenario.name, i);
        if (difference === undefined) expect(ours, `step ${i}`).toEqual(step.left ?? []);
        else if (JSON.stringify(ours) !== JSON.stringify(step.left ?? [])) met.add(difference);
      }
    });
  },
);

test('each difference is one, and is documented', () => {
  const lines = readFileSync(
    new URL('../../../../docs/reference/ipvs-differences.md', import.meta.url),
    'utf8',
  ).split('\n');
  for (const difference of DIFFERENCES) {
    expect(met, difference.line).toContain(difference);
    expect(
      lines.filter((line) => line.startsWith(`| ${difference.line}`)),
      difference.line,
    ).toHaveLength(1);
  }
});
