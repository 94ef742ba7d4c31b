import { CulvertError } from '../errors.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import type { ForwardingTable, Service } from '../forwarding/table.ts';
import { formatIp, isIpv6 } from '../net/ip-address.ts';

const SCHEDULERS: readonly string[] = ['mh', 'rr', 'wrr'];

/** What a table can ask for and the planes of this version have not got; each names what it found. */
const LACKING: readonly ((service: Service) => string | undefined)[] = [
  ({ vip }) => (isIpv6(vip) ? 'IPv6' : undefined),
  ({ protocol }) => (protocol === 'sctp' ? 'protocol sctp' : undefined),
  ({ port, morePorts }) => (port === 0 || morePorts !== undefined ? 'services of several ports' : undefined),
  ({ scheduler }) => (SCHEDULERS.includes(scheduler) ? undefined : `scheduler ${scheduler}`),
  ({ onePacket }) => (onePacket === true ? 'onePacket' : undefined),
  ({ persistence }) => (persistence === undefined ? undefined : 'persistence'),
  ({ tunnel, reals }) => {
    const other = [tunnel, ...reals.map((real) => real.tunnel)].find((one) => one && one.type !== 'ipip');
    return other && `tunnels of type ${other.type}`;
  },
  ({ reals }) => {
    const real = reals.find(({ address }) => isIpv6(address));
    return real && `IPv6 reals (${formatIp(real.address)})`;
  },
  ({ reals }) => (reals.some(({ upperThreshold = 0 }) => upperThreshold > 0) ? 'thresholds' : undefined),
];

/** @throws CulvertError UNSUPPORTED, naming the first service that asks for what no plane of this version can do. */
export function refuseUnsupported({ services, expireNodestConn }: ForwardingTable): void {
  if (expireNodestConn === false) {
    throw new CulvertError('UNSUPPORTED', 'this version always has expireNodestConn; leave it out');
  }
  for (const service of services) {
    const found = LACKING.map((rule) => rule(service)).find((name) => name !== undefined);
    if (found === undefined) continue;
    const message = `this version has no ${found}`;
    throw new CulvertError('UNSUPPORTED', message, { where: formatServiceName(service) });
  }
}
