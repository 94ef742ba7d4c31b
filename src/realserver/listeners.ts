import type { Ipv4Address } from '../net/ipv4-address.ts';
import type { Listener } from './facts.ts';

/** The state of a listening TCP socket, and of a UDP socket that is not connected (include/net/tcp_states.h). */
const WAITING_STATE = { tcp: '0A', udp: '07' } as const;
const MAPPED_PREFIX = '0000000000000000FFFF0000';
const ANY_IPV6 = '0'.repeat(32);

/**
 * Who listens, out of /proc/net/{tcp,udp} and their IPv6 siblings, whose sockets serve IPv4 too unless they opt out
 * (which these files don't tell).
 */
export function parseListeners(protocol: 'tcp' | 'udp', table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    if (local === undefined || state !== WAITING_STATE[protocol]) return [];
    const [hex = '', port = ''] = local.split(':');
    const address = readAddress(hex);
    return address === 'other' ? [] : [{ protocol, address, port: Number.parseInt(port, 16) }];
  });
}

function readAddress(hex: string): Ipv4Address | undefined | 'other' {
  if (hex === ANY_IPV6) return undefined;
  if (hex.length === 32 && !hex.startsWith(MAPPED_PREFIX)) return 'other';
  // Printed as a number of the machine's byte order, that is reversed.
  const address = Buffer.from(hex.slice(-8), 'hex').readUInt32LE() as Ipv4Address;
  return address === 0 ? undefined : address;
}
