import { describe, expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { type IpAddress, ipFromBytes } from '../../../../src/net/address/ip-address.ts';
import { ReusedBuffer } from '../../../reused-buffer.ts';
import { expectDecision } from './expect-decision.ts';
import { NOW_MS, standardState } from './fixture.ts';
import { PACKET_SUITES } from './packet-table.ts';

describe.each(PACKET_SUITES)('the packet table through the forwarder: $name', ({ image, rows }) => {
  test.each(rows)('$description', ({ steps }) => {
    const state = standardState(image());
    const reader = new ReusedBuffer();
    for (const { packet: sent, expected } of steps) {
      const packet = reader.read(sent);
      const decision = decide(packet, state, NOW_MS);
      expectDecision(decision, expected, state.image);
      expect(Buffer.compare(packet, sent), 'the input is as it was').toBe(0);
      if (decision.verdict === 'answer') expect(destinationOf(decision.packet)).toBe(decision.to);
    }
  });

  test('each reason is counted once', () => {
    for (const { steps } of rows) {
      const state = standardState(image());
      const reasons = steps.map(({ packet }) => decide(packet, state, NOW_MS).reason);
      const released = reasons.includes('fragment-held') && reasons.includes('fragment-forwarded');
      if (released) continue;
      const counted = Object.values(state.image.reasonCounts()).reduce((sum, count) => sum + count, 0);
      expect(counted).toBe(reasons.filter((reason) => reason !== undefined).length);
    }
  });

  test('descriptions name one row each', () => {
    expect(new Set(rows.map(({ description }) => description)).size).toBe(rows.length);
  });
});

function destinationOf(packet: Uint8Array): IpAddress | undefined {
  const isIpv6 = (packet[0] as number) >> 4 === 6;
  return ipFromBytes(isIpv6 ? packet.subarray(24, 40) : packet.subarray(16, 20));
}
