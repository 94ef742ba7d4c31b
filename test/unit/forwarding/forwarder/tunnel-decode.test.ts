import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { TICK_MS } from '../../../../src/forwarding/image/tables/layout.ts';
import { type IpHeader, parseIpHeader } from '../../../../src/forwarding/packets/ip-header.ts';
import { transportChecksum } from '../../../../src/net/checksum.ts';
import { ETHERTYPE } from '../../../../src/net/headers/ethernet.ts';
import { type GreHeader, greChecksumIsGood, parseGre } from '../../../../src/net/headers/gre.ts';
import { finishRemoteChecksum, type GueHeader, parseGue } from '../../../../src/net/headers/gue.ts';
import { ipv4ChecksumIsGood, PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { parseUdp, type UdpHeader } from '../../../../src/net/headers/udp.ts';
import { NOW_MS, standardState } from './fixture.ts';
import { hop, tcp, udp } from './packets.ts';
import { hop6, tcp6, udp6 } from './packets6.ts';
import { GUE_PORT, inTunnel, TUNNEL_CASES, TUNNEL_TABLE, type TunnelCase, tunnelImage } from './tunnels.ts';

/** What a receiver makes of an outer packet, every checksum on its way verified. */
function decapsulated(outer: Uint8Array, { tunnel }: TunnelCase): Uint8Array {
  const header = parseIpHeader(outer) as IpHeader;
  const at = header.headerBytes;
  expect(header.totalLength).toBe(outer.length);
  if (header.family === 4) expect(ipv4ChecksumIsGood(outer, 0, at)).toBe(true);
  if (tunnel.type === 'ipip') return outer.subarray(at);
  if (tunnel.type === 'gre') {
    const gre = parseGre(outer, at) as GreHeader;
    const inner = outer.subarray(at + gre.headerBytes);
    expect(gre.etherType).toBe((inner[0] as number) >> 4 === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6);
    if (tunnel.checksum === 'full') expect(greChecksumIsGood(outer, at)).toBe(true);
    return inner;
  }
  return ofGue(outer.subarray(at), header, tunnel.checksum);
}

function ofGue(datagram: Uint8Array, outer: IpHeader, checksum: 'none' | 'full' | 'remote'): Uint8Array {
  const udpHeader = parseUdp(datagram, 0) as UdpHeader;
  expect(udpHeader).toMatchObject({ destinationPort: GUE_PORT, length: datagram.length });
  expect(udpHeader.sourcePort).toBeGreaterThanOrEqual(0xc000);
  if (checksum === 'none') expect(udpHeader.checksum).toBe(0);
  else expect(transportChecksum(datagram, outer.source, outer.destination, PROTOCOL.udp)).toBe(0);
  const gue = parseGue(datagram, 8) as GueHeader;
  const inner = datagram.subarray(8 + gue.headerBytes);
  expect(gue.protocol).toBe((inner[0] as number) >> 4 === 4 ? PROTOCOL.ipip : PROTOCOL.ipv6);
  if (gue.remoteChecksum === undefined) return inner;
  expect(checksum).toBe('remote');
  return finishRemoteChecksum(inner, gue.remoteChecksum) as Uint8Array;
}

describe.each(TUNNEL_CASES)('$name', (to) => {
  test('a receiver gets the packet as it was, one hop on', () => {
    const state = standardState(tunnelImage());
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 1300 }),
        fc.integer({ min: 1, max: 0xffff }),
        fc.integer({ min: 0, max: 255 }),
        (payload, sourcePort, tos) => {
          const dataBytes = payload.length;
          const packets = [
            [tcp(to.port, { payload, sourcePort, ip: { tos } }), hop],
            [tcp6(to.port, { payload, sourcePort, ip6: { trafficClass: tos } }), hop6],
            [udp(to.port, { dataBytes, sourcePort, ip: { dontFragment: false } }), hop],
            [udp6(to.port, { dataBytes, sourcePort }), hop6],
          ] as const;
          for (const [packet, oneHopOn] of packets) {
            const decision = decide(packet, state, NOW_MS);
            const [outer, ...more] = decision.verdict === 'forward' ? decision.packets : [];
            expect(more).toEqual([]);
            expect(Buffer.from(decapsulated(outer as Uint8Array, to))).toEqual(Buffer.from(oneHopOn(packet)));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('a real whose tunnel changes gets the next packet in the new one; a checksum takes it off the fast path', () => {
  const state = standardState(tunnelImage());
  const [ipip] = TUNNEL_CASES as [TunnelCase];
  for (const [tunnel, reason] of [
    [{ type: 'gre', checksum: 'full' }, 'tunnel-checksum'],
    [{ type: 'gue', checksum: 'none', port: GUE_PORT }, undefined],
    [{ type: 'ipip' }, undefined],
  ] as const) {
    const services = TUNNEL_TABLE.services.map((service) =>
      service.port === ipip.port
        ? { ...service, tunnel, reals: [{ address: ipip.real, weight: 1, serving: true }] }
        : service,
    );
    const summary = state.image.apply({ ...TUNNEL_TABLE, services }, NOW_MS / TICK_MS);
    expect(summary.reals).toEqual({ added: 0, changed: 4, removed: 0 });
    const [packet] = inTunnel(hop(tcp(ipip.port)), { ...ipip, tunnel });
    expect(decide(tcp(ipip.port), state, NOW_MS)).toMatchObject({
      packets: [packet],
      ...(reason !== undefined && { reason }),
    });
    const entries = [...state.image.reals()].filter(({ service }) => service.port === ipip.port);
    expect(entries.map(({ resolved }) => resolved)).toEqual(Array(4).fill(reason === undefined));
  }
});
