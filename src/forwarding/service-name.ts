import { formatIpv4 } from '../net/ipv4-address.ts';
import type { ServiceKey, ServiceName } from './table.ts';

export function formatServiceName({ vip, protocol, port }: ServiceKey): ServiceName {
  return `${protocol} ${formatIpv4(vip)}:${port}`;
}
