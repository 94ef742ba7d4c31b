// Services in text, as commands and the API name them.
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { isIpv4, parseIp } from '../../net/address/ip-address.ts';

/** A service as the API names it; port 0 stands for all. */
export interface ServiceTextKey {
  readonly protocol: ServiceKey['protocol'];
  readonly vip: string;
  readonly port: number;
}

const SERVICE_NAME = /^(tcp|udp|sctp)[: ](?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d{1,5}|all)$/;

/**
 * Reads `tcp:192.0.2.10:80`, `tcp:[2001:db8::10]:80` or `tcp:192.0.2.10:all`, or the same with the space that tables
 * show it with; undefined if it is not that.
 */
export function parseServiceName(text: string): ServiceKey | undefined {
  const [, protocol, ipv4, ipv6, port] = SERVICE_NAME.exec(text) ?? [];
  const vip = parseIp(ipv4 ?? ipv6 ?? '');
  const number = port === 'all' ? 0 : Number(port);
  if (vip === undefined || isIpv4(vip) !== (ipv4 !== undefined) || number > 65_535) return undefined;
  if (number === 0 && port !== 'all') return undefined;
  return { vip, protocol: protocol as ServiceKey['protocol'], port: number };
}

/** A service as tables and messages name it: `tcp 192.0.2.10:80`. */
export function serviceName(service: ServiceTextKey): string {
  return `${service.protocol} ${wireEndpoint(service.vip, service.port === 0 ? 'all' : service.port)}`;
}

/** An address and port of the API in text. */
export function wireEndpoint(address: string, port: number | 'all'): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
