import type { Tunnel } from '../forwarding/table.ts';
import { familyOf, type IpFamily } from '../net/ip-address.ts';
import { IPV4_HEADER_BYTES } from '../net/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../net/ipv6.ts';
import { UDP_HEADER_BYTES } from '../net/udp.ts';
import type { VerifyOptions } from './options.ts';

const GRE_BYTES = 4;
const GRE_CHECKSUM_BYTES = 4;
const GUE_BYTES = 4;
const GUE_REMOTE_CHECKSUM_BYTES = 8;
const TCP_HEADER_BYTES = 20;

/** Around: what is told of the tunnel by who is at its other end. */
type Around = Pick<VerifyOptions, 'directors' | 'tunnel'>;

/** The families that outer headers have: those of the directors. */
export function outerFamilies({ directors }: Pick<VerifyOptions, 'directors'>): readonly IpFamily[] {
  const families = ([4, 6] as const).filter((family) =>
    directors.some((director) => familyOf(director) === family),
  );
  return families.length === 0 ? [4] : families;
}

/** What the tunnel takes of each packet: with several directors, what the greediest takes. */
export function tunnelOverheadBytes(around: Around): number {
  return ipHeaderBytes(outerFamilies(around).at(-1) ?? 4) + tunnelHeaderBytes(around.tunnel);
}

/** The largest MSS whose segments, without options, still fit the link inside the tunnel: 1440 for IPv4 in IPIP over 1500. */
export function fittingMss(mtuBytes: number, around: Around, family: IpFamily): number {
  return mtuBytes - tunnelOverheadBytes(around) - ipHeaderBytes(family) - TCP_HEADER_BYTES;
}

function ipHeaderBytes(family: IpFamily): number {
  return family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/** Between outer and inner header, as kernel IPVS counts it (ip_vs_xmit.c, ipvs_gue_encap). */
function tunnelHeaderBytes(tunnel: Tunnel): number {
  switch (tunnel.type) {
    case 'ipip':
      return 0;
    case 'gre':
      return GRE_BYTES + (tunnel.checksum === 'full' ? GRE_CHECKSUM_BYTES : 0);
    default:
      return UDP_HEADER_BYTES + GUE_BYTES + (tunnel.checksum === 'remote' ? GUE_REMOTE_CHECKSUM_BYTES : 0);
  }
}
