import type { ServiceKey } from '../forwarding/table.ts';
import { parseIp } from '../net/ip-address.ts';
import type { WireServiceKey } from './wire.ts';

const SERVICE_NAME = /^(tcp|udp)[: ](\d+\.\d+\.\d+\.\d+):(\d{1,5})$/;

/** Reads `tcp:192.0.2.10:80`, or the same with the space that tables show it with; undefined if it is not that. */
export function parseServiceName(text: string): ServiceKey | undefined {
  const [, protocol, address = '', port = ''] = SERVICE_NAME.exec(text) ?? [];
  const vip = parseIp(address);
  if (vip === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { vip, protocol: protocol === 'udp' ? 'udp' : 'tcp', port: Number(port) };
}

/** A service as tables and messages name it: `tcp 192.0.2.10:80`. */
export function serviceName(service: WireServiceKey): string {
  return `${service.protocol} ${service.vip}:${service.port}`;
}
