// Takes new flows away from real servers without a way, while others have one.
import type { IpAddress } from '../net/address/ip-address.ts';
import type { ForwardingTable, Real, Service } from './forwarding-table.ts';

/**
 * Returns the table in which reals without a way (no route, or a next hop that does not answer) are no choice for new flows as
 * long as another real of the service is one. Their flows stay. Services without such a real stay the same objects.
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
