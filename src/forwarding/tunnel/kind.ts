// The kinds of tunnels: their overhead, checksum, port and text.
import type { IpFamily } from '../../net/address/ip-address.ts';
import { IPV4_HEADER_BYTES } from '../../net/headers/ipv4.ts';
import { IPV6_HEADER_BYTES } from '../../net/headers/ipv6.ts';
import { UDP_HEADER_BYTES } from '../../net/headers/udp.ts';
import type { Real, Service, Tunnel } from '../forwarding-table.ts';

/** GRE headers without key and sequence number, which IPVS does not write. */
const GRE_BYTES = { none: 4, full: 8 } as const;
/** GUE headers. The remote checksum needs private flags and their field. */
const GUE_BYTES = { none: 4, full: 4, remote: 12 } as const;

export function tunnelOf(service: Pick<Service, 'tunnel'>, real: Pick<Real, 'tunnel'>): Tunnel {
  return real.tunnel ?? service.tunnel;
}

export function sameTunnel(a: Tunnel, b: Tunnel): boolean {
  return a.type === b.type && checksumOf(a) === checksumOf(b) && portOf(a) === portOf(b);
}

/** Returns all bytes that the tunnel can put in front of a packet, the outer IP header included; they reduce the path's MTU. */
export function tunnelOverheadBytes(tunnel: Tunnel, outer: IpFamily): number {
  return (outer === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) + behindOuterBytes(tunnel);
}

function behindOuterBytes(tunnel: Tunnel): number {
  if (tunnel.type === 'ipip') return 0;
  return tunnel.type === 'gre' ? GRE_BYTES[tunnel.checksum] : UDP_HEADER_BYTES + GUE_BYTES[tunnel.checksum];
}

export function checksumOf(tunnel: Tunnel): 'none' | 'full' | 'remote' {
  return tunnel.type === 'ipip' ? 'none' : tunnel.checksum;
}

/** Returns the UDP port; 0 for tunnels that have none. */
export function portOf(tunnel: Tunnel): number {
  return tunnel.type === 'gue' ? tunnel.port : 0;
}

/** Formats a tunnel, for example `gre` or `gue port 6080, full checksum`. */
export function formatTunnel(tunnel: Tunnel): string {
  const port = tunnel.type === 'gue' ? ` port ${tunnel.port}` : '';
  const checksum = checksumOf(tunnel);
  return `${tunnel.type}${port}${checksum === 'none' ? '' : `, ${checksum} checksum`}`;
}
