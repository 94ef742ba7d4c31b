// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0; the VIPs are routed to it)
//                          └────── 10.0.1.2 real, which takes nothing apart: what comes to it is captured
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { CLIENT, delay, receive, VIP } from '../xdp-plane/packets.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';

const CUT = 1008;
const ENDS = { source: CLIENT, destination: VIP };
const SERVICES = (['rr', 'mh', 'wlc'] as const).map((scheduler, i) => ({
  ...SERVICE,
  protocol: 'udp' as const,
  port: 5000 + i,
  scheduler,
}));

describe.skipIf(!able)('fragments in the xdp plane (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
    await fixture.plane.apply({ ...TABLE, services: [...TABLE.services, ...SERVICES] });
  });

  beforeEach(() => fixture.forgetCaptured());

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  describe.each(SERVICES)('$scheduler', ({ port }) => {
    test.each([0, 20, 200])(
      'a second fragment that comes %i ms before the first one leaves whole',
      async (gapMs) => {
        const [first, second] = fragments(port, port + gapMs);
        fixture.client.send(second, VIP);
        if (gapMs > 0) await delay(gapMs);
        fixture.client.send(first, VIP);
        const sent = await receive(fixture.atReal, { protocol: PROTOCOL.ipip, count: 2 });
        const inner = sent.map(({ packet }) => packet.subarray(20));
        const at = inner.map((packet) => {
          const header = parseIpv4Header(packet);
          return typeof header === 'string' ? header : header.fragmentOffsetBytes;
        });
        expect(at).toEqual([0, CUT]);
        for (const [i, packet] of [first, second].entries()) {
          expect(
            Buffer.compare(inner[i]?.subarray(20) as Uint8Array, packet.subarray(20)),
            `fragment ${i}`,
          ).toBe(0);
        }
      },
    );
  });
});

/** A datagram of 1,508 bytes in two fragments; no two bytes near each other are the same. */
function fragments(port: number, id: number): [Uint8Array, Uint8Array] {
  const payload = Uint8Array.from({ length: 1500 }, (_, i) => (i * 7 + id) & 0xff);
  const datagram = buildUdp({ ...ENDS, sourcePort: 4000 + id, destinationPort: port, payload });
  const part = (from: number, to: number): Uint8Array =>
    buildIpv4(
      { ...ENDS, protocol: PROTOCOL.udp, id, moreFragments: from === 0, fragmentOffsetBytes: from },
      datagram.subarray(from, to),
    );
  return [part(0, CUT), part(CUT, datagram.length)];
}
