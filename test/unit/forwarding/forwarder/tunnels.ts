import type { ForwardingTable, Tunnel } from '../../../../src/forwarding/forwarding-table.ts';
import { clientWord } from '../../../../src/forwarding/hashing/client-word.ts';
import { flowHash } from '../../../../src/forwarding/hashing/flow-hash.ts';
import type { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import type { ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { type IpAddress, ip, ipFromBytes, isIpv4, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { concatBytes, readU16, writeU16 } from '../../../../src/net/bytes.ts';
import { internetChecksum } from '../../../../src/net/checksum.ts';
import { buildIpv4 } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../../src/net/headers/ipv6.ts';
import { buildUdp } from '../../../../src/net/headers/udp.ts';
import { DIRECTOR, DIRECTOR_6, imageOf, REALS, STANDARD_TABLE, VIP } from './fixture.ts';
import { VIP_6 } from './packets6.ts';

export const REAL_6: IpAddress = ip('2001:db8:1::2');
export const GUE_PORT = 6080;

export const TUNNELS: readonly Tunnel[] = [
  { type: 'ipip' },
  { type: 'gre', checksum: 'none' },
  { type: 'gre', checksum: 'full' },
  { type: 'gue', checksum: 'none', port: GUE_PORT },
  { type: 'gue', checksum: 'full', port: GUE_PORT },
  { type: 'gue', checksum: 'remote', port: GUE_PORT },
];

/** One real behind one kind of tunnel, and the service that has no other. */
export interface TunnelCase {
  readonly name: string;
  readonly tunnel: Tunnel;
  readonly real: IpAddress;
  readonly overheadBytes: number;
  /** Of TCP and of UDP. */
  readonly port: number;
}

/** As the kernel's IPVS has them for an MTU of 1500: 1480, 1476, 1472, 1468, 1468, 1460, and 20 less each over IPv6. */
const OVERHEADS_BYTES = [20, 24, 28, 32, 32, 40];

export const TUNNEL_CASES: readonly TunnelCase[] = [REALS[0], REAL_6].flatMap((real, family) =>
  TUNNELS.map((tunnel, i) => ({
    name: `${tunnel.type}${'checksum' in tunnel ? `, checksum ${tunnel.checksum}` : ''}, over IPv${family ? 6 : 4}`,
    tunnel,
    real,
    overheadBytes: (OVERHEADS_BYTES[i] as number) + (family ? 20 : 0),
    port: 7000 + family * TUNNELS.length + i,
  })),
);

/** Each case as a TCP and a UDP service of a VIP of either family. */
export const TUNNEL_TABLE: ForwardingTable = {
  ...STANDARD_TABLE,
  services: TUNNEL_CASES.flatMap(({ tunnel, real, port }) =>
    [VIP, VIP_6].flatMap((vip) =>
      (['tcp', 'udp'] as const).map((protocol) => ({
        vip,
        protocol,
        port,
        scheduler: 'rr' as const,
        hashOn: 'flow' as const,
        tunnel: { type: 'ipip' } as const,
        blackhole: { policy: 'cure', after: 2 } as const,
        reals: [{ address: real, weight: 1, serving: true, tunnel }],
      })),
    ),
  ),
};

export function tunnelImage(memory?: ImageMemory): ForwardingImage {
  return imageOf(TUNNEL_TABLE, memory);
}

export interface OuterFields {
  readonly id?: number;
  readonly dontFragment?: boolean;
  /** Where the outer fragments end, counted from behind the outer IP header. */
  readonly ends?: readonly number[];
}

/** What goes to the real of a case, built by hand: `inner` is the packet one hop on. */
export function inTunnel(
  inner: Uint8Array,
  { tunnel, real }: TunnelCase,
  fields: OuterFields = {},
): Uint8Array[] {
  const isInner6 = (inner[0] as number) >> 4 === 6;
  const [protocol, payload] = behindOuter(inner, tunnel, { real, isInner6 });
  const tos = isInner6 ? (readU16(inner, 0) >> 4) & 0xff : (inner[1] as number);
  const ttl = inner[isInner6 ? 7 : 8] as number;
  const {
    id = isInner6 && isIpv4(real) ? 1 : 0,
    dontFragment = !isInner6 && fields.ends === undefined,
    ends,
  } = fields;
  if (isIpv6(real)) {
    const addresses = { source: DIRECTOR_6, destination: real };
    const outer = { ...addresses, trafficClass: tos, hopLimit: ttl };
    if (ends === undefined) return [buildIpv6({ ...outer, nextHeader: protocol }, payload)];
    return ends.map((end, i) => {
      const start = ends[i - 1] ?? 0;
      const more = i + 1 < ends.length ? 1 : 0;
      const header = Uint8Array.of(protocol, 0, start >> 8, start | more, id >>> 24, id >>> 16, id >>> 8, id);
      return buildIpv6({ ...outer, nextHeader: 44 }, concatBytes(header, payload.subarray(start, end)));
    });
  }
  const outer = { source: DIRECTOR, destination: real, protocol, tos, ttl, id, dontFragment };
  return (ends ?? [payload.length]).map((end, i, all) => {
    const start = all[i - 1] ?? 0;
    const place = { moreFragments: i + 1 < all.length, fragmentOffsetBytes: start };
    return buildIpv4({ ...outer, ...place }, payload.subarray(start, end));
  });
}

function behindOuter(
  inner: Uint8Array,
  tunnel: Tunnel,
  { real, isInner6 }: { readonly real: IpAddress; readonly isInner6: boolean },
): [number, Uint8Array] {
  const protocol = isInner6 ? 41 : 4;
  if (tunnel.type === 'ipip') return [protocol, inner];
  if (tunnel.type === 'gre') return [47, inGre(inner, tunnel.checksum === 'full', isInner6)];
  const payload =
    tunnel.checksum === 'remote'
      ? withRemoteChecksum(inner, protocol, isInner6)
      : concatBytes(Uint8Array.of(0, protocol, 0, 0), inner);
  const datagram = buildUdp({
    source: isIpv4(real) ? DIRECTOR : DIRECTOR_6,
    destination: real,
    sourcePort: sourcePort(inner, isInner6),
    destinationPort: tunnel.port,
    payload,
    withChecksum: tunnel.checksum !== 'none',
  });
  return [17, datagram];
}

function inGre(inner: Uint8Array, withChecksum: boolean, isInner6: boolean): Uint8Array {
  const etherType = isInner6 ? [0x86, 0xdd] : [8, 0];
  if (!withChecksum) return concatBytes(Uint8Array.of(0, 0, ...etherType), inner);
  const bytes = concatBytes(Uint8Array.of(0x80, 0, ...etherType, 0, 0, 0, 0), inner);
  writeU16(bytes, 4, internetChecksum(bytes, 0, bytes.length));
  return bytes;
}

/** The checksum is taken back to the sum of the pseudo header, by subtracting what the rest adds up to. */
function withRemoteChecksum(inner: Uint8Array, protocol: number, isInner6: boolean): Uint8Array {
  const start = isInner6 ? 40 : 20;
  const offset = start + (inner[isInner6 ? 6 : 9] === 6 ? 16 : 6);
  const copy = inner.slice();
  const checksum = readU16(copy, offset);
  writeU16(copy, offset, 0);
  const rest = ~internetChecksum(copy, start, copy.length) & 0xffff;
  const difference = (~checksum & 0xffff) + (~rest & 0xffff);
  writeU16(copy, offset, (difference & 0xffff) + (difference >>> 16));
  return concatBytes(Uint8Array.of(2, protocol, 0, 1, 0x80, 0, 0, 0, 0, start, 0, offset), copy);
}

function sourcePort(inner: Uint8Array, isInner6: boolean): number {
  const key = new Uint32Array(STANDARD_TABLE.hashKey.slice().buffer);
  const client = ipFromBytes(isInner6 ? inner.subarray(8, 24) : inner.subarray(12, 16)) as IpAddress;
  const isFragment = isInner6 ? inner[6] === 44 : (readU16(inner, 6) & 0x3fff) !== 0;
  const port = isFragment ? 0 : readU16(inner, isInner6 ? 40 : 20);
  return 0xc000 | (flowHash(clientWord(client, key), port, key) & 0x3fff);
}
