/** A sound packet cut off at every byte, and with every byte changed: what becomes of each. */
import { expect, test } from 'vitest';
import type { Decision } from '../../../../src/forwarding/decision.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { ipFromBytes } from '../../../../src/net/address/ip-address.ts';
import { readU16 } from '../../../../src/net/bytes.ts';
import { writeIpv4Checksum } from '../../../../src/net/headers/ipv4.ts';
import { NOW_MS, REALS, standardState, VIP } from './fixture.ts';
import { data, outer, tcp } from './packets.ts';
import { tcp6, VIP_6 } from './packets6.ts';
import { TUNNEL_CASES, tunnelImage } from './tunnels.ts';

const VALUES = [0, 1, 0x7f, 0xff];
const IPV4_HEADER = 20;
const OPTIONS_END = 32;

/** What a change of a byte in the IPv4 packet may lead to beside being forwarded, by the last byte of each field. */
const IPV4_FIELDS: readonly (readonly [end: number, reasons: readonly string[]])[] = [
  [0, ['malformed-ip']],
  [1, []],
  [3, ['malformed-ip']],
  [5, []],
  [7, ['fragment-held', 'fragment-dropped']],
  [8, ['ttl-expired']],
  [9, ['unsupported-protocol', 'icmp-unknown']],
  [11, []],
  [15, ['martian-source']],
  [19, ['not-ours']],
  [31, ['malformed-ip']],
  // A packet that is answered with a reset has to be sound itself.
  [35, ['bad-transport-checksum']],
  [44, []],
  [45, ['bad-transport-checksum', 'no-flow']],
  [81, []],
];
const IPV4_DESTINATION = [16, 19] as const;

test('every prefix of an IPv4 packet is no packet', () => {
  const packet = tcp(81, { dataBytes: 30, ip: { options: data(12) } });
  for (let length = 0; length < packet.length; length++) {
    const decision = decide(packet.subarray(0, length), standardState(), NOW_MS);
    // Without a whole header nobody knows whether it is for a VIP.
    const expected =
      length < IPV4_HEADER
        ? { verdict: 'pass', reason: 'not-ours' }
        : { verdict: 'drop', reason: 'malformed-ip' };
    expect(decision, `${length} bytes`).toEqual(expected);
  }
});

test('every changed byte of an IPv4 packet: forwarded as it is, or refused for what was changed', () => {
  const packet = tcp(81, { dataBytes: 30, ip: { options: data(12) } });
  const seen = new Set<string>();
  for (let at = 0; at < packet.length; at++) {
    for (const value of VALUES) {
      const damaged = packet.slice();
      damaged[at] = value;
      writeIpv4Checksum(damaged, 0, OPTIONS_END);
      const decision = decide(damaged, standardState(), NOW_MS);
      const isForOther = at >= IPV4_DESTINATION[0] && at <= IPV4_DESTINATION[1] && value !== packet[at];
      if (decision.verdict === 'forward') {
        expect(isForOther, `byte ${at}`).toBe(false);
        expectTunnelled(decision, damaged);
      } else {
        const [, reasons] = IPV4_FIELDS.find(([end]) => at <= end) ?? [0, []];
        expect(reasons, `byte ${at} is ${value}`).toContain(decision.reason);
        expectAnswerToSender(decision, damaged.subarray(12, 16), VIP);
        seen.add(decision.reason);
      }
    }
  }
  expect([...seen].sort()).toEqual([...new Set(IPV4_FIELDS.flatMap(([, reasons]) => reasons))].sort());
});

/** IPIP to the first real, byte for byte but for the outer ID and DF where the packet has no DF. */
function expectTunnelled({ packets }: Extract<Decision, { verdict: 'forward' }>, damaged: Uint8Array): void {
  const expected = outer(damaged.subarray(0, readU16(damaged, 2)), REALS[0]);
  expect(packets).toHaveLength(1);
  const found = Uint8Array.from(packets[0] ?? []);
  const hasDf = ((damaged[6] ?? 0) & 0x40) !== 0;
  if (!hasDf) for (const bytes of [expected, found]) bytes.fill(0, 4, 8).fill(0, 10, 12);
  expect(found).toEqual(expected);
}

function expectAnswerToSender(decision: Decision, source: Uint8Array, vip: unknown): void {
  if (decision.verdict !== 'answer') return;
  expect(decision.to).toBe(ipFromBytes(source));
  const { packet } = decision;
  expect(ipFromBytes(source.length === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24))).toBe(vip);
}

const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const IPV6_REASONS = [
  'not-ours',
  'malformed-ip',
  'truncated-transport',
  'unsupported-protocol',
  'ttl-expired',
  'martian-source',
  'bad-transport-checksum',
  'answer-quiet',
];

test.each(TUNNEL_CASES)('every prefix and every changed byte of an IPv6 packet: $name', ({ port, real }) => {
  const state = standardState(tunnelImage());
  const packet = tcp6(port, { dataBytes: 30 });
  for (let at = 0; at < packet.length; at++) {
    expect(decide(packet.subarray(0, at), state, NOW_MS)).toMatchObject(
      at < IPV6_HEADER
        ? { verdict: 'pass', reason: 'not-ours' }
        : { verdict: 'drop', reason: 'malformed-ip' },
    );
    for (const value of VALUES) {
      const damaged = packet.slice();
      damaged[at] = value;
      const decision = decide(damaged, state, NOW_MS);
      if (decision.verdict !== 'forward') {
        expect(IPV6_REASONS, `byte ${at} is ${value}`).toContain(decision.reason);
        expectAnswerToSender(decision, damaged.subarray(8, 24), VIP_6);
        continue;
      }
      expect(state.image.real(decision.real)?.address).toBe(real);
      const [found = new Uint8Array(0), ...more] = decision.packets;
      expect(more).toEqual([]);
      // The data is carried as it came, whatever is in front of it.
      const carried = damaged.subarray(IPV6_HEADER + TCP_HEADER);
      expect(found.subarray(found.length - carried.length)).toEqual(carried);
    }
  }
});
