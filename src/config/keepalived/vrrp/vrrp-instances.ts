// Reads the addresses that VRRP moves, and leaves their claims to the host.
import { formatIp, parseIp } from '../../../net/address/ip-address.ts';
import type { PlainService } from '../services/virtual-server.ts';
import type { Place } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';

/** A `vrrp_instance`. */
export interface VrrpInstance {
  readonly name: string;
  readonly place: Place;
  readonly addresses: readonly MovedAddress[];
}

export interface MovedAddress {
  /** The address without its prefix, spelled by `addressKey`. */
  readonly address: string;
  readonly place: Place;
}

/** Reads every `vrrp_instance`; keepalived itself judges the rest of it. */
export function readVrrpInstances(statements: readonly Statement[]): VrrpInstance[] {
  return statements
    .filter((statement) => keywordOf(statement) === 'vrrp_instance')
    .map((statement) => ({
      name: parametersOf(statement)[0]?.text ?? '',
      place: placeOf(statement),
      addresses: movedAddresses(statement),
    }));
}

/** The addresses that a vrrp_instance moves. */
export function movedAddresses({ body = [] }: Statement): MovedAddress[] {
  const blocks = body.filter((inner) => /^virtual_ipaddress(?:_excluded)?$/.test(keywordOf(inner)));
  return blocks
    .flatMap((block) => block.body ?? [])
    .map((line) => ({ address: addressKey(keywordOf(line).replace(/\/.*/, '')), place: placeOf(line) }));
}

/** Returns one spelling for each address. */
export function addressKey(text: string): string {
  const address = parseIp(text);
  return address === undefined ? text : formatIp(address);
}

/** Leaves it to the host to answer for the virtual addresses that VRRP moves: only the master has them. */
export function withClaims(
  instances: readonly VrrpInstance[],
  services: readonly PlainService[],
): readonly PlainService[] {
  const moved = new Set(instances.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  return services.map((service) =>
    moved.has(addressKey(String(service.vip))) ? { ...service, claim: 'host' } : service,
  );
}
