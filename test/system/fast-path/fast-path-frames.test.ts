// What the built fast path does with whole frames, by BPF_PROG_TEST_RUN: what is its own, what is the slow path's, and
// what is neither's.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ingressOf } from '../../../src/dataplane/xdp/tap/ingress-mark.ts';
import type { ForwardingTable } from '../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { XDP_VERDICT } from '../../../src/linux/bpf/bpf-program.ts';
import type { Ipv4Address } from '../../../src/net/address/ipv4-address.ts';
import { ARP_OPERATION, buildArp } from '../../../src/net/headers/arp.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
import { INGRESS_IF_INDEX, LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import {
  CLIENT,
  DIRECTOR,
  DIRECTOR_MAC,
  MTU,
  NEXT_HOP_MAC,
  REALS,
  STANDARD_TABLE,
  VIP,
} from '../../unit/forwarding/forwarder/fixture.ts';

const CAPACITY = { slots: 1 << 24, flows: 1 << 10 };
const MANY_VIPS = 3000;
const SERVICE_PORT = 80;
const OTHER_IF_INDEX = 7;
const missing = whyNotLoadable();

describe.skipIf(missing !== undefined)(`frames at the fast path (${missing ?? 'loadable'})`, () => {
  let director: LoadedDirector;
  let image: ForwardingImage;

  beforeAll(() => {
    director = new LoadedDirector(CAPACITY);
  });
  beforeEach(() => {
    director.clear();
    image = new ForwardingImage(director.memory, { realAdded: (index) => director.zeroCounters(index) });
    director.zeroCounters(0);
    apply(STANDARD_TABLE);
  });
  afterAll(() => director?.[Symbol.dispose]());

  function apply(table: ForwardingTable): void {
    image.setNow(1000);
    image.apply(table, 1000);
    for (const { index } of image.reals()) resolve(index, INGRESS_IF_INDEX);
  }

  function resolve(index: number, ifIndex: number): void {
    const resolved = { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex };
    image.setPath(index, { sourceAddress: DIRECTOR, mtuBytes: MTU, resolved });
  }

  test('a packet to a service goes back out of the interface it came in by, to the next hop', () => {
    const { verdict, data } = director.program.testRun({ data: frame(syn(VIP)) });
    expect(verdict).toBe(XDP_VERDICT.tx);
    expect([...data.subarray(0, 14)]).toEqual([...NEXT_HOP_MAC, ...DIRECTOR_MAC, 8, 0]);
    expect(data.length).toBe(frame(syn(VIP)).length + 20);
  });

  test('a real behind another interface: redirected there', () => {
    for (const { index } of image.reals()) resolve(index, OTHER_IF_INDEX);
    expect(director.program.testRun({ data: frame(syn(VIP)) }).verdict).toBe(XDP_VERDICT.redirect);
  });

  test('what is handed over is redirected to the slow path, whole, with its interface, and counted', () => {
    image.setSlowPathIfIndex(OTHER_IF_INDEX);
    const rare = frame(syn(VIP, { port: 81 + 1000 }));
    const { verdict, data } = director.program.testRun({ data: rare });
    expect(verdict).toBe(XDP_VERDICT.redirect);
    expect(ingressOf(data)).toBe(INGRESS_IF_INDEX);
    data.set(rare.subarray(2, 6), 2);
    expect(Buffer.from(data).equals(rare)).toBe(true);
    expect([...director.counters(1)]).toEqual([1n, BigInt(rare.length), 0n]);
  });

  test('without a slow path rare packets are dropped', () => {
    expect(director.program.testRun({ data: frame(syn(VIP, { port: 1081 })) }).verdict).toBe(
      XDP_VERDICT.drop,
    );
  });

  test('packets, bytes and connections are counted for the real', () => {
    const packet = syn(VIP);
    const ack = syn(VIP, { flags: TCP_FLAGS.ack });
    director.run(frame(packet));
    director.run(frame(ack));
    const counted = [...director.counters(64)].slice(3);
    expect(counted.filter((n) => n !== 0n)).toEqual([2n, BigInt(packet.length + ack.length), 1n]);
  });

  test('a UDP datagram shorter than a TCP header would be is common all the same', () => {
    const datagram = buildUdp({
      source: CLIENT,
      destination: VIP,
      sourcePort: 4000,
      destinationPort: 53,
      payload: new Uint8Array(1),
    });
    const packet = buildIpv4({ source: CLIENT, destination: VIP, protocol: PROTOCOL.udp }, datagram);
    expect(director.run(frame(packet))).toMatchObject({ verdict: 'sent' });
  });

  test.each([
    ['an ARP request for a VIP', arp(VIP), 'handed over'],
    ['an ARP request for another address', arp(REALS[0]), 'passed'],
    ['an ARP answer that names a VIP', arp(VIP, ARP_OPERATION.reply), 'passed'],
    ['an ARP request cut short', arp(VIP).subarray(0, 41), 'passed'],
    ['an ARP request of another kind', edited(arp(VIP), 15, 6), 'passed'],
    ['a packet to no VIP', frame(syn(REALS[0])), 'passed'],
    ['a frame to a group', frame(syn(VIP), { destination: BROADCAST_MAC }), 'passed'],
    ['an IPv6 frame', frame(syn(VIP), { etherType: ETHERTYPE.ipv6 }), 'passed'],
    ['a VLAN frame', frame(syn(VIP), { etherType: ETHERTYPE.vlan }), 'passed'],
    ['an IP header cut short', frame(syn(VIP).subarray(0, 19)), 'passed'],
    ['nothing but an Ethernet header', frame(new Uint8Array(0)), 'passed'],
    ['an IP header and nothing behind it', frame(syn(VIP).subarray(0, 20)), 'handed over'],
  ] as const)('%s', (_, data, verdict) => {
    expect(director.run(data).verdict).toBe(verdict);
  });

  test('every one of thousands of services is found, where buckets collide too', () => {
    const [service] = STANDARD_TABLE.services;
    const vips = Array.from({ length: MANY_VIPS }, (_, i) => (VIP + i) as Ipv4Address);
    const services = vips.map((vip) => ({ ...(service as NonNullable<typeof service>), vip }));
    apply({ ...STANDARD_TABLE, services });
    const unsent = vips.filter((vip) => director.run(frame(syn(vip))).verdict !== 'sent');
    expect(unsent).toEqual([]);
    const unheld = vips.filter(
      (vip) => director.run(frame(syn(vip, { port: 81 }))).verdict !== 'handed over',
    );
    expect(unheld).toEqual([]);
    expect(director.run(frame(syn((VIP + MANY_VIPS) as Ipv4Address))).verdict).toBe('passed');
  });
});

function syn(destination: Ipv4Address, tcp: { port?: number; flags?: number } = {}): Uint8Array {
  const { port = SERVICE_PORT, flags = TCP_FLAGS.syn } = tcp;
  const ports = { sourcePort: 40_000, destinationPort: port };
  const segment = buildTcp({ source: CLIENT, destination, ...ports, flags });
  return buildIpv4({ source: CLIENT, destination, protocol: PROTOCOL.tcp, dontFragment: true }, segment);
}

function frame(
  packet: Uint8Array,
  header: { destination?: Uint8Array; etherType?: number } = {},
): Uint8Array {
  const usual = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC, etherType: ETHERTYPE.ipv4 };
  return buildEthernet({ ...usual, ...header }, packet);
}

function arp(targetAddress: Ipv4Address, operation: number = ARP_OPERATION.request): Uint8Array {
  const sender = { senderMac: NEXT_HOP_MAC, senderAddress: CLIENT };
  const packet = buildArp({ operation, ...sender, targetMac: new Uint8Array(6), targetAddress });
  return buildEthernet(
    { destination: BROADCAST_MAC, source: NEXT_HOP_MAC, etherType: ETHERTYPE.arp },
    packet,
  );
}

function edited(bytes: Uint8Array, at: number, value: number): Uint8Array {
  return bytes.with(at, value);
}
