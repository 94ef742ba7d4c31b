// The addresses that a host can have.
import { type IpAddress, isIpv4, networkOf, parseIp } from '../../net/address/ip-address.ts';

const NOT_HOSTS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'];
const NOT_HOSTS_V6 = ['::/96', '::ffff:0.0.0.0/96', 'fe80::/10', 'ff00::/8'];

/**
 * Returns true if a host can have this address, so that packets can be routed to it. `UNICAST` of fields.ts states the same in
 * words.
 */
export function isHost(host: IpAddress | undefined): boolean {
  if (host === undefined) return false;
  return !(isIpv4(host) ? NOT_HOSTS : NOT_HOSTS_V6).some((network) => isIn(host, network));
}

/** Returns true if a real can have this address: a host's, or one of the director itself by a loopback address. */
export function canBeReal(address: IpAddress | undefined): boolean {
  if (address === undefined) return false;
  return isHost(address) || isIn(address, isIpv4(address) ? '127.0.0.0/8' : '::1/128');
}

function isIn(address: IpAddress, network: string): boolean {
  const [first = '', prefixLength] = network.split('/');
  return networkOf(address, Number(prefixLength)) === parseIp(first);
}
