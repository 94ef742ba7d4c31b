// The room that tunnels take, and the MSS that fits.
import { tunnelOverheadBytes } from '../../forwarding/tunnel/kind.ts';
import { familyOf, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import { IPV4_HEADER_BYTES } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../net/headers/ipv6.ts';
import { TCP_HEADER_BYTES } from '../../net/headers/tcp.ts';
import { type Served, tunnelsOf, type VerifyOptions } from '../options.ts';

/** The options that determine the headers around client packets. */
type Around = Pick<VerifyOptions, 'directors' | 'serves'>;

/** The families that outer headers have: those of the directors. */
export function outerFamilies({ directors }: Pick<VerifyOptions, 'directors'>): readonly IpFamily[] {
  const families = ([4, 6] as const).filter((family) =>
    directors.some((director) => familyOf(director) === family),
  );
  return families.length === 0 ? [4] : families;
}

/** Returns the bytes that the tunnel adds to each packet: the largest number over all directors and tunnels. */
export function overheadBytes(around: Around): number {
  const outer = outerFamilies(around).at(-1) ?? 4;
  return Math.max(0, ...tunnelsOf(around.serves).map((tunnel) => tunnelOverheadBytes(tunnel, outer)));
}

/** The largest MSS whose segments, without options, still fit the link inside the tunnel: 1440 for IPv4 in IPIP over 1500. */
export function fittingMss(mtuBytes: number, around: Around, family: IpFamily): number {
  const headerBytes = family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  return mtuBytes - overheadBytes(around) - headerBytes - TCP_HEADER_BYTES;
}

/** Returns what determines the headers around the packets of one VIP. */
export function aroundVip({ serves, directors }: Around, vip: IpAddress): Around {
  return { serves: serves.filter((served: Served) => served.vip === vip), directors };
}
