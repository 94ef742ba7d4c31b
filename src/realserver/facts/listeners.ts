// The sockets that listen on a host.
import { type IpAddress, ipFromBytes } from '../../net/address/ip-address.ts';
import type { Listener } from './facts.ts';

/** The state of a listening TCP socket, and of a UDP socket that is not connected (include/net/tcp_states.h). */
const WAITING_STATE = { tcp: '0A', udp: '07' } as const;
const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');
const WORD_BYTES = 4;

/**
 * Lists the listening sockets in /proc/net/{tcp,udp} and their IPv6 siblings. Sockets at :: serve IPv4 as well unless they opt
 * out, which these files do not show.
 */
export function parseListeners(protocol: 'tcp' | 'udp', table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    if (local === undefined || state !== WAITING_STATE[protocol]) return [];
    const [hex = '', port = ''] = local.split(':');
    const address = readAddress(hex);
    return address === undefined ? [] : [{ protocol, address, port: Number.parseInt(port, 16) }];
  });
}

/** Words are printed as numbers of the machine's byte order, that is reversed. */
function readAddress(hex: string): IpAddress | undefined {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += WORD_BYTES) bytes.subarray(at, at + WORD_BYTES).reverse();
  const mapped = bytes.subarray(0, MAPPED_PREFIX.length).equals(MAPPED_PREFIX);
  return ipFromBytes(mapped ? bytes.subarray(MAPPED_PREFIX.length) : bytes);
}
