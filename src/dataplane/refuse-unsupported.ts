import { CulvertError } from '../errors.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import type { ForwardingTable, Service } from '../forwarding/table.ts';
import { formatIp, isIpv6 } from '../net/ip-address.ts';
import type { DataPlane } from './data-plane.ts';

/** What a service can ask for and a plane may lack: what was found, in words; undefined where it asks for nothing of it. */
type Feature = (service: Service) => string | undefined;

/** Those that no plane has yet: they need a choice for each new flow that is not a ring's or a rotation's. */
const UNSCHEDULED: readonly Feature[] = [
  ({ protocol }) => (protocol === 'sctp' ? 'protocol sctp' : undefined),
  ({ port, morePorts }) => (port === 0 || morePorts !== undefined ? 'services of several ports' : undefined),
  ({ scheduler }) => (['mh', 'rr', 'wrr'].includes(scheduler) ? undefined : `scheduler ${scheduler}`),
  ({ onePacket }) => (onePacket === true ? 'onePacket' : undefined),
  ({ persistence }) => (persistence === undefined ? undefined : 'persistence'),
  ({ reals }) => (reals.some(({ upperThreshold = 0 }) => upperThreshold > 0) ? 'thresholds' : undefined),
];

/** No service can have it. */
const IMPOSSIBLE: readonly Feature[] = [
  ({ tunnel, reals }) => {
    const ports = [tunnel, ...reals.map((real) => real.tunnel)].map((one) =>
      one?.type === 'gue' ? one.port : 1,
    );
    const port = ports.find((one) => !(one >= 1 && one <= 0xffff));
    return port === undefined ? undefined : `GUE to port ${port}`;
  },
];

/** The hosts of the simulated network know IPv4 and IPIP alone. */
const UNSIMULATED: readonly Feature[] = [
  ({ vip }) => (isIpv6(vip) ? 'IPv6' : undefined),
  ({ tunnel, reals }) => {
    const other = [tunnel, ...reals.map((real) => real.tunnel)].find((one) => one && one.type !== 'ipip');
    return other && `tunnels of type ${other.type}`;
  },
  ({ reals }) => {
    const real = reals.find(({ address }) => isIpv6(address));
    return real && `IPv6 reals (${formatIp(real.address)})`;
  },
];

const LACKING: Readonly<Record<DataPlane['kind'], readonly Feature[]>> = {
  xdp: [...UNSCHEDULED, ...IMPOSSIBLE],
  simulated: [...UNSCHEDULED, ...IMPOSSIBLE, ...UNSIMULATED],
};

/** @throws CulvertError UNSUPPORTED, naming the first service that asks for what the plane cannot do. */
export function refuseUnsupported(table: ForwardingTable, kind: DataPlane['kind']): void {
  if (table.expireNodestConn === false) {
    throw new CulvertError('UNSUPPORTED', 'this version always has expireNodestConn; leave it out');
  }
  for (const service of table.services) {
    const found = LACKING[kind].map((feature) => feature(service)).find((name) => name !== undefined);
    if (found === undefined) continue;
    const message = `the ${kind} plane of this version has no ${found}`;
    throw new CulvertError('UNSUPPORTED', message, { where: formatServiceName(service) });
  }
}
