// The packet table through the built fast path, by BPF_PROG_TEST_RUN, with a forwarder over the same image behind it for
// what it hands over.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Decision } from '../../../src/forwarding/decision.ts';
import { decide } from '../../../src/forwarding/forwarder.ts';
import { describeDifference } from '../../../src/net/describe/describe-difference.ts';
import { describeFrame } from '../../../src/net/describe/describe-packet.ts';
import { frameOf, isSctp } from '../../fuzz/frame.ts';
import { LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import { expectDecision } from '../../unit/forwarding/forwarder/expect-decision.ts';
import {
  DIRECTOR_MAC,
  NEXT_HOP_MAC,
  NOW_MS,
  standardState,
} from '../../unit/forwarding/forwarder/fixture.ts';
import { PACKET_SUITES } from '../../unit/forwarding/forwarder/packet-table.ts';
import type { Expected } from '../../unit/forwarding/forwarder/row.ts';

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

    describe.each(PACKET_SUITES)('$name', ({ image, rows }) => {
      test.each(rows)('$description', ({ steps }) => {
        director.clear();
        const state = standardState(image(director.memory));
        for (const { packet, expected } of steps) {
          const frame = frameOf({ destination: DIRECTOR_MAC, source: NEXT_HOP_MAC }, packet);
          const fast = director.run(frame);
          expect(fast.verdict === 'sent', 'whether the fast path took it').toBe(
            isCommon(expected) && !isSctp(frame),
          );
          if (fast.verdict === 'sent') {
            sent++;
            expectSent(fast.frame, expected);
          } else {
            const decision: Decision = decide(packet, state, NOW_MS);
            expectDecision(decision, expected, state.image);
            expect(fast.verdict === 'passed', 'whether it passed').toBe(expected.verdict === 'pass');
          }
        }
      });
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
  const wanted = frameOf({ destination: NEXT_HOP_MAC, source: DIRECTOR_MAC }, packet as Uint8Array);
  const difference = describeDifference(wanted, frame, describeFrame);
  if (difference !== undefined) expect.fail(difference);
}
