// Compares a service of the API with one that a command line names.
import type { WireServiceKey } from '../../contract/api/wire-values.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { parseIp } from '../../net/address/ip-address.ts';

/** Returns true if a service of the API is the one that a command line names. */
export function isSameService(
  service: WireServiceKey & { readonly morePorts?: readonly number[] },
  wanted: ServiceKey | undefined,
): boolean {
  if (wanted === undefined) return false;
  const { protocol, vip, port, morePorts = [] } = service;
  return (
    protocol === wanted.protocol &&
    parseIp(vip) === wanted.vip &&
    (port === wanted.port || morePorts.includes(wanted.port))
  );
}
