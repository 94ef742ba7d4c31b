// Finds the service or real server that a command of ipvsadm means.
import type { RealDocument, ServiceDocument } from '../../contract/config/config-document.ts';
import { portsOf } from '../../contract/values/port-list.ts';
import { formatIp, parseIp } from '../../net/address/ip-address.ts';
import type { AdmService } from '../parse/ipvsadm-command.ts';

/** Returns true if a service is the one that ipvsadm means, or has its port among others. No service has a mark. */
export function isService(service: ServiceDocument, of: AdmService): boolean {
  return (
    'port' in of &&
    (service.protocol ?? 'tcp') === of.protocol &&
    isAddress(service.vip, of.address) &&
    portsOf(service.port).includes(of.port)
  );
}

/** @param address As `formatIp` has it. */
export function isReal(real: RealDocument, address: string): boolean {
  return isAddress(real.address, address);
}

/** IPv6 addresses can be written in several ways. */
function isAddress(text: string, address: string): boolean {
  if (text === address) return true;
  if (!text.includes(':') || !address.includes(':')) return false;
  const written = parseIp(text);
  return written !== undefined && formatIp(written) === address;
}
