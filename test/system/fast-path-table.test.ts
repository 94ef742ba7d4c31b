// The packet table through the built fast path, by BPF_PROG_TEST_RUN, with a forwarder over the same image behind it for
// what it hands over.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Decision } from '../../src/forwarding/decision.ts';
import { decide } from '../../src/forwarding/forwarder.ts';
import { describeFrame } from '../../src/net/describe.ts';
import { describeDifference } from '../../src/net/describe-difference.ts';
import { buildEthernet, ETHERTYPE } from '../../src/net/ethernet.ts';
import { LoadedDirector, whyNotLoadable } from '../fuzz/loaded-director.ts';
import { expectDecision } from '../unit/forwarder/expect-decision.ts';
import {
  DIRECTOR_MAC,
  NEXT_HOP_MAC,
  NOW_MS,
  standardImage,
  standardState,
} from '../unit/forwarder/fixture.ts';
import { PACKET_TABLE } from '../unit/forwarder/packet-table.ts';
import type { Expected } from '../unit/forwarder/row.ts';

const missing = whyNotLoadable();

describe.skipIf(missing !== undefined)(
  `the packet table through the fast path (${missing ?? 'loadable'})`,
  () => {
    let director: LoadedDirector;
    let sent = 0;

    beforeAll(() => {
      director = new LoadedDirector({ slots: 1 << 16, flows: 1 << 12 });
    });
    afterAll(() => director?.[Symbol.dispose]());

    test.each(PACKET_TABLE)('$description', ({ steps }) => {
      director.clear();
      const state = standardState(standardImage(director.memory));
      for (const { packet, expected } of steps) {
        const { verdict, frame } = director.run(framed(packet, DIRECTOR_MAC, NEXT_HOP_MAC));
        expect(verdict === 'sent', 'whether the fast path took it').toBe(isCommon(expected));
        if (verdict === 'sent') {
          sent++;
          expectSent(frame, expected);
        } else {
          const decision: Decision = decide(packet, state, NOW_MS);
          expectDecision(decision, expected, state.image);
          expect(verdict === 'passed', 'whether it passed').toBe(expected.verdict === 'pass');
        }
      }
    });

    test('a good part of the table is common', () => {
      expect(sent).toBeGreaterThan(30);
    });
  },
);

/** Without a reason a packet is common: that is what the table means by it. */
function isCommon(expected: Expected): boolean {
  return expected.verdict === 'forward' && expected.reason === undefined;
}

function expectSent(frame: Uint8Array, expected: Expected): void {
  const [packet] = expected.verdict === 'forward' ? expected.packets : [];
  const wanted = framed(packet as Uint8Array, NEXT_HOP_MAC, DIRECTOR_MAC);
  const difference = describeDifference(wanted, frame, describeFrame);
  if (difference !== undefined) expect.fail(difference);
}

function framed(packet: Uint8Array, destination: Uint8Array, source: Uint8Array): Uint8Array {
  return buildEthernet({ destination, source, etherType: ETHERTYPE.ipv4 }, packet);
}
