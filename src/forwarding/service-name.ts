import { formatEndpoint } from '../net/ip-address.ts';
import type { ServiceKey, ServiceName } from './table.ts';

export function formatServiceName({ vip, protocol, port }: ServiceKey): ServiceName {
  return `${protocol} ${formatEndpoint(vip, port)}`;
}
