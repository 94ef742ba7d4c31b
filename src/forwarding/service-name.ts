// Formats and parses the names of services.
import { formatEndpoint } from '../net/address/ip-address.ts';
import type { ServiceKey, ServiceName } from './forwarding-table.ts';

/** Formats a service's name. A service of all ports is named `tcp 192.0.2.10:all`. */
export function formatServiceName({ vip, protocol, port }: ServiceKey): ServiceName {
  return `${protocol} ${formatEndpoint(vip, port === 0 ? 'all' : port)}`;
}
