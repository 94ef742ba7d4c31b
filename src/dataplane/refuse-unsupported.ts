// Refuses services that ask for what a plane lacks.
import { CulvertError } from '../errors.ts';
import type { ForwardingTable, Service } from '../forwarding/forwarding-table.ts';
import { formatServiceName } from '../forwarding/service-name.ts';
import { formatIp, isIpv6 } from '../net/address/ip-address.ts';
import type { DataPlane } from './data-plane.ts';

/**
 * Tests for a feature that a service can use and a plane may lack. Returns a description of what was found; undefined where the
 * service does not use the feature.
 */
type Feature = (service: Service) => string | undefined;

/** Features that no plane supports. */
const IMPOSSIBLE: readonly Feature[] = [
  ({ tunnel, reals }) => {
    const ports = [tunnel, ...reals.map((real) => real.tunnel)].map((one) =>
      one?.type === 'gue' ? one.port : 1,
    );
    const port = ports.find((one) => !(one >= 1 && one <= 0xffff));
    return port === undefined ? undefined : `GUE to port ${port}`;
  },
  ({ scheduler, schedulerFlags: [flag] = [] }) =>
    flag === undefined || scheduler === 'sh' ? undefined : `flag ${flag} of scheduler ${scheduler}`,
  ({ onePacket, protocol }) =>
    onePacket === true && protocol !== 'udp' ? `onePacket of protocol ${protocol}` : undefined,
  ({ persistence, vip }) => {
    const length = persistence?.prefixLength ?? 1;
    return length >= 1 && length <= (isIpv6(vip) ? 128 : 32) ? undefined : `persistence of prefix ${length}`;
  },
  ({ reals }) => {
    const real = reals.find(({ upperThreshold = 0, lowerThreshold = 0 }) => lowerThreshold > upperThreshold);
    return real && `lowerThreshold ${real.lowerThreshold} above upperThreshold`;
  },
];

/**
 * Features that the simulated network does not support: its hosts know IPv4, TCP, UDP and IPIP only, and serve the ports that are
 * named.
 */
const UNSIMULATED: readonly Feature[] = [
  ({ vip }) => (isIpv6(vip) ? 'IPv6' : undefined),
  ({ protocol }) => (protocol === 'sctp' ? 'protocol sctp' : undefined),
  ({ port }) => (port === 0 ? 'services of all ports' : undefined),
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
  xdp: IMPOSSIBLE,
  simulated: [...IMPOSSIBLE, ...UNSIMULATED],
};

/**
 * Refuses services that the plane does not support.
 * @throws CulvertError UNSUPPORTED, naming the first such service
 */
export function refuseUnsupported(table: ForwardingTable, kind: DataPlane['kind']): void {
  for (const service of table.services) {
    const found = LACKING[kind].map((feature) => feature(service)).find((name) => name !== undefined);
    if (found === undefined) continue;
    const message = `the ${kind} plane of this version does not support ${found}`;
    throw new CulvertError('UNSUPPORTED', message, { where: formatServiceName(service) });
  }
}
