import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideFrame } from '../../../../src/forwarding/answers/frame.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../../../src/net/address/ipv6-address.ts';
import { multicastMac, solicitedNodeAddress } from '../../../../src/net/address/ipv6-multicast.ts';
import { concatBytes, writeU16 } from '../../../../src/net/bytes.ts';
import { buildArp } from '../../../../src/net/headers/arp.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE } from '../../../../src/net/headers/ethernet.ts';
import {
  buildNeighbourAdvertisement,
  buildNeighbourSolicitation,
  UNSPECIFIED,
} from '../../../../src/net/headers/neighbour-discovery.ts';
import { CLIENT, DIRECTOR_MAC, NEXT_HOP_MAC, NOW_MS, standardState, VIP } from '../forwarder/fixture.ts';
import { ipv6Image } from '../forwarder/ipv6.ts';
import { tcp } from '../forwarder/packets.ts';
import { CLIENT_6, tcp6, VIP_6 } from '../forwarder/packets6.ts';

const NEIGHBOUR = ip('fe80::1') as Ipv6Address;
const ALL_NODES = ip('ff02::1') as Ipv6Address;
const GROUP = solicitedNodeAddress(VIP_6);
const TAG = Uint8Array.of(0x81, 0x00, 0x60, 0x64);

/** Of 802.1ad. */
const PROVIDER_TAG = Uint8Array.of(0x88, 0xa8, 0x00, 0x07);

type Solicitation = Parameters<typeof buildNeighbourSolicitation>[0];

function asking(fields: Partial<Solicitation> = {}, source = NEXT_HOP_MAC): Uint8Array {
  const packet = buildNeighbourSolicitation({
    source: NEIGHBOUR,
    target: VIP_6,
    sourceLinkAddress: NEXT_HOP_MAC,
    ...fields,
  });
  return buildEthernet({ destination: multicastMac(GROUP), source, etherType: ETHERTYPE.ipv6 }, packet);
}

function advertised(to: Ipv6Address, mac: Uint8Array): Uint8Array {
  const packet = buildNeighbourAdvertisement({
    source: VIP_6,
    destination: to,
    target: VIP_6,
    targetLinkAddress: DIRECTOR_MAC,
    router: false,
    solicited: to !== ALL_NODES,
    override: true,
  });
  return buildEthernet({ destination: mac, source: DIRECTOR_MAC, etherType: ETHERTYPE.ipv6 }, packet);
}

function tagged(frame: Uint8Array, tag = TAG): Uint8Array {
  return concatBytes(frame.subarray(0, 12), tag, frame.subarray(12));
}

function state(): ReturnType<typeof standardState> {
  return standardState(ipv6Image());
}

test.each<[string, Uint8Array, Uint8Array]>([
  ['a solicitation to the group', asking(), advertised(NEIGHBOUR, NEXT_HOP_MAC)],
  [
    'one that asks whether the VIP is still there',
    asking({ destination: VIP_6 }),
    advertised(NEIGHBOUR, NEXT_HOP_MAC),
  ],
  [
    'one that tells no link address, as it may when it is sent to the VIP',
    asking({ destination: VIP_6, sourceLinkAddress: undefined }),
    advertised(NEIGHBOUR, NEXT_HOP_MAC),
  ],
  ['one of a global address', asking({ source: CLIENT_6 }), advertised(CLIENT_6, NEXT_HOP_MAC)],
  [
    'a probe for duplicates (RFC 4862): to all nodes, unsolicited',
    asking({ source: UNSPECIFIED, sourceLinkAddress: undefined }),
    advertised(ALL_NODES, multicastMac(ALL_NODES)),
  ],
])('%s is answered with the MAC of the interface', (_, frame, reply) => {
  for (const [asked, answered] of [
    [frame, reply],
    [tagged(frame), tagged(reply)],
  ] as const) {
    const now = state();
    const decisions = decideFrame(asked, now, NOW_MS);
    expect(decisions).toEqual([{ verdict: 'reply', frame: answered, reason: 'neighbour-answered' }]);
    expect(now.image.reasonCounts()).toEqual({ 'neighbour-answered': 1 });
  }
});

function mangled(at: number, value: number): Uint8Array {
  const frame = asking();
  writeU16(frame, at, value);
  return frame;
}

test.each<[string, Uint8Array]>([
  ['another address', asking({ target: CLIENT_6 })],
  ['a hop limit under 255', mangled(20, 0x3aff - 1)],
  ['a wrong checksum', mangled(56, 0x1234)],
  ['another group', asking({ destination: solicitedNodeAddress(CLIENT_6) })],
  ['the VIP itself as its source', asking({ source: VIP_6 })],
  ['a frame of our own', asking({}, DIRECTOR_MAC)],
  ['our own link address', asking({ sourceLinkAddress: DIRECTOR_MAC })],
  ['a link address that is a group', asking({ sourceLinkAddress: BROADCAST_MAC })],
  ['a probe that tells a link address', asking({ source: UNSPECIFIED })],
  ['a probe to the VIP', asking({ source: UNSPECIFIED, sourceLinkAddress: undefined, destination: VIP_6 })],
  ['an advertisement', advertised(ALL_NODES, multicastMac(ALL_NODES))],
])('%s is not answered', (_, frame) => {
  expect(decideFrame(frame, state(), NOW_MS)).toEqual([{ verdict: 'pass', reason: 'not-ours' }]);
});

test('truncated solicitations are not answered', () => {
  const frame = asking();
  const now = state();
  for (let length = 15; length < frame.length; length++) {
    expect(decideFrame(frame.subarray(0, length), now, NOW_MS)[0]?.verdict).toBe('pass');
  }
});

test('a tagged ARP request is answered with its tag', () => {
  const arp = { operation: 1, senderMac: NEXT_HOP_MAC, senderAddress: CLIENT, targetMac: new Uint8Array(6) };
  const header = { destination: BROADCAST_MAC, source: NEXT_HOP_MAC, etherType: ETHERTYPE.arp };
  const frame = buildEthernet(header, buildArp({ ...arp, targetAddress: VIP }));
  const [plain] = decideFrame(frame, standardState(), NOW_MS);
  const [withTag] = decideFrame(tagged(frame), standardState(), NOW_MS);
  expect(plain?.verdict === 'reply' && withTag?.verdict === 'reply' && withTag.frame).toEqual(
    plain?.verdict === 'reply' && tagged(plain.frame),
  );
});

test('packets of both families are decided, with a tag and without', () => {
  const header = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC };
  const frames = [
    buildEthernet({ ...header, etherType: ETHERTYPE.ipv4 }, tcp(80)),
    buildEthernet({ ...header, etherType: ETHERTYPE.ipv6 }, tcp6(80)),
  ];
  const expected = [decide(tcp(80), standardState(), NOW_MS), decide(tcp6(80), state(), NOW_MS)];
  for (const [i, make] of [standardState, state].entries()) {
    const frame = frames[i] as Uint8Array;
    for (const sent of [frame, tagged(frame), tagged(tagged(frame, PROVIDER_TAG))])
      expect(decideFrame(sent, make(), NOW_MS)).toEqual([expected[i]]);
  }
});

function decided(frame: Uint8Array): string | undefined {
  return decideFrame(frame, state(), NOW_MS)[0]?.reason;
}

test('what is no frame of ours, or none at all', () => {
  const header = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC };
  const frame = buildEthernet({ ...header, etherType: ETHERTYPE.ipv6 }, tcp6(80));
  expect(decided(tagged(frame).subarray(0, 17))).toBe('malformed-ethernet');
  expect(decided(frame.subarray(0, 14))).toBe('not-ours');
  expect(decided(tagged(tagged(tagged(frame))))).toBe('not-ours');
  expect(decided(buildEthernet({ ...header, etherType: ETHERTYPE.ipv4 }, tcp6(80)))).toBe('malformed-ip');
  expect(
    decided(buildEthernet({ ...header, destination: BROADCAST_MAC, etherType: ETHERTYPE.ipv6 }, tcp6(80))),
  ).toBe('not-ours');
});

test('whatever frame comes is survived', () => {
  const now = state();
  const etherTypes = fc.constantFrom(
    ETHERTYPE.ipv4,
    ETHERTYPE.arp,
    ETHERTYPE.ipv6,
    ETHERTYPE.vlan,
    ETHERTYPE.qinq,
    0,
  );
  const frames = fc
    .tuple(fc.uint8Array({ maxLength: 160 }), etherTypes, etherTypes)
    .map(([bytes, first, second]) => {
      if (bytes.length >= 18) writeU16(bytes, 12, first);
      if (bytes.length >= 18) writeU16(bytes, 16, second);
      return bytes;
    });
  const damaged = fc.tuple(fc.nat(85), fc.nat(255)).map(([at, value]) => {
    const frame = asking();
    frame[at] = value;
    return frame;
  });
  fc.assert(
    fc.property(fc.oneof(frames, damaged), (frame) => {
      expect(decideFrame(frame, now, NOW_MS).length).toBeGreaterThan(0);
    }),
    { numRuns: 3000 },
  );
});
