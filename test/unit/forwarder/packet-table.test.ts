import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/forwarding/forwarder.ts';
import { readU32 } from '../../../src/net/bytes.ts';
import { expectDecision } from './expect-decision.ts';
import { NOW_MS, standardState } from './fixture.ts';
import { PACKET_TABLE } from './packet-table.ts';

describe('the packet table through the forwarder', () => {
  test.each(PACKET_TABLE)('$description', ({ steps }) => {
    const state = standardState();
    for (const { packet, expected } of steps) {
      const before = packet.slice();
      const decision = decide(packet, state, NOW_MS);
      expectDecision(decision, expected, state.image);
      expect(packet, 'the input').toEqual(before);
      if (decision.verdict === 'answer') expect(readU32(decision.packet, 16)).toBe(decision.to);
    }
  });

  test('each reason is counted once', () => {
    for (const { steps } of PACKET_TABLE) {
      const state = standardState();
      const reasons = steps.map(({ packet }) => decide(packet, state, NOW_MS).reason);
      const released = reasons.includes('fragment-held') && reasons.includes('fragment-forwarded');
      if (released) continue;
      const counted = Object.values(state.image.reasonCounts()).reduce((sum, count) => sum + count, 0);
      expect(counted).toBe(reasons.filter((reason) => reason !== undefined).length);
    }
  });

  test('descriptions name one row each', () => {
    expect(new Set(PACKET_TABLE.map(({ description }) => description)).size).toBe(PACKET_TABLE.length);
  });
});
