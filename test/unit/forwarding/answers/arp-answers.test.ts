import { expect, test } from 'vitest';
import { decideFrame } from '../../../../src/forwarding/answers/frame.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import type { Ipv4Address } from '../../../../src/net/address/ipv4-address.ts';
import { type ArpPacket, buildArp } from '../../../../src/net/headers/arp.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE } from '../../../../src/net/headers/ethernet.ts';
import {
  CLIENT,
  DIRECTOR,
  DIRECTOR_MAC,
  NEXT_HOP_MAC,
  NOW_MS,
  standardState,
  VIP,
} from '../forwarder/fixture.ts';
import { tcp } from '../forwarder/packets.ts';

const UNSPECIFIED = 0 as Ipv4Address;
const ZERO_MAC = new Uint8Array(6);

function request(fields: Partial<ArpPacket> = {}): Uint8Array {
  const arp = buildArp({
    operation: 1,
    senderMac: NEXT_HOP_MAC,
    senderAddress: CLIENT,
    targetMac: ZERO_MAC,
    targetAddress: VIP,
    ...fields,
  });
  return buildEthernet({ destination: BROADCAST_MAC, source: NEXT_HOP_MAC, etherType: ETHERTYPE.arp }, arp);
}

function reply(targetAddress: Ipv4Address): Uint8Array {
  const arp = buildArp({
    operation: 2,
    senderMac: DIRECTOR_MAC,
    senderAddress: VIP,
    targetMac: NEXT_HOP_MAC,
    targetAddress,
  });
  return buildEthernet({ destination: NEXT_HOP_MAC, source: DIRECTOR_MAC, etherType: ETHERTYPE.arp }, arp);
}

test.each([
  ['a request', CLIENT],
  ['a probe, which has no sender address (RFC 5227)', UNSPECIFIED],
])('%s for a VIP is answered with the MAC of the interface', (_, senderAddress) => {
  const state = standardState();
  const decisions = decideFrame(request({ senderAddress }), state, NOW_MS);
  expect(decisions).toEqual([{ verdict: 'reply', frame: reply(senderAddress), reason: 'arp-answered' }]);
  expect(state.image.reasonCounts()).toEqual({ 'arp-answered': 1 });
});

test.each<[string, Partial<ArpPacket>]>([
  ['a request for another address', { targetAddress: DIRECTOR }],
  ['an announcement of the VIP', { senderAddress: VIP }],
  ['a reply', { operation: 2 }],
  ['a frame of our own', { senderMac: DIRECTOR_MAC }],
  ['a sender that is a group', { senderMac: BROADCAST_MAC }],
  ['a sender without MAC', { senderMac: ZERO_MAC }],
  ['a sender in 127/8', { senderAddress: 0x7f000001 as Ipv4Address }],
  ['a sender that is a multicast address', { senderAddress: 0xe0000001 as Ipv4Address }],
])('%s is not answered', (_, fields) => {
  expect(decideFrame(request(fields), standardState(), NOW_MS)).toEqual([
    { verdict: 'pass', reason: 'not-ours' },
  ]);
});

test('a truncated request is not answered', () => {
  const frame = request();
  for (let length = 14; length < frame.length; length++) {
    expect(decideFrame(frame.subarray(0, length), standardState(), NOW_MS)[0]?.verdict).toBe('pass');
  }
});

test('an IPv4 packet is decided as such', () => {
  const header = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC, etherType: ETHERTYPE.ipv4 };
  const frame = buildEthernet(header, tcp(80));
  expect(decideFrame(frame, standardState(), NOW_MS)).toEqual([decide(tcp(80), standardState(), NOW_MS)]);
  const toAll = buildEthernet({ ...header, destination: BROADCAST_MAC }, tcp(80));
  expect(decideFrame(toAll, standardState(), NOW_MS)).toEqual([{ verdict: 'pass', reason: 'not-ours' }]);
});

test('a frame shorter than its header', () => {
  const state = standardState();
  expect(decideFrame(new Uint8Array(13), state, NOW_MS)).toEqual([
    { verdict: 'drop', reason: 'malformed-ethernet' },
  ]);
  expect(state.image.reasonCounts()).toEqual({ 'malformed-ethernet': 1 });
});
