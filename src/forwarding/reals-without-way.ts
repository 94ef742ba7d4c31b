// Removes reals that cannot be reached from the choice for new flows.
import type { IpAddress } from '../net/address/ip-address.ts';
import type { ForwardingTable, Real, Service } from './forwarding-table.ts';

/**
 * Returns the table in which reals without a way (no route, or a next hop that does not answer) get no new flows while another
 * real of the service has a way. Their flows stay. Services without such a real stay the same objects.
 */
export function withoutLost(table: ForwardingTable, lost: ReadonlySet<IpAddress>): ForwardingTable {
  if (lost.size === 0) return table;
  return { ...table, services: table.services.map((service) => passOver(service, lost)) };
}

function isChoice({ serving, weight }: Real): boolean {
  return serving && weight > 0;
}

function passOver(service: Service, lost: ReadonlySet<IpAddress>): Service {
  const hasOther = service.reals.some((real) => isChoice(real) && !lost.has(real.address));
  if (!hasOther || !service.reals.some(({ address }) => lost.has(address))) return service;
  const reals = service.reals.map((real) => (lost.has(real.address) ? { ...real, hasWay: false } : real));
  return { ...service, reals };
}
