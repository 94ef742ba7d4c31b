// Finds this host among the real servers of a director's configuration.
import type { CulvertConfig } from '../contract/config/config.ts';
import type { ServiceConfig } from '../contract/config/service-contract.ts';
import { CulvertError } from '../errors.ts';
import { formatIp, type IpAddress, ip, isIpv4, networkOf } from '../net/address/ip-address.ts';
import type { AddressFacts } from './facts/facts.ts';
import { type Served, servedKey, type VerifyOptions } from './options.ts';

export interface HostRole {
  readonly serves: readonly Served[];
  readonly listeners: NonNullable<VerifyOptions['listeners']>;
  /** The interfaces that have the addresses by which the file names this host. */
  readonly interfaces: readonly string[];
}

const LOOPBACK_PREFIX_LENGTH = 8;

/**
 * Finds the services that have this host among their reals or as their sorry server.
 * @throws CulvertError NOT_FOUND when none has.
 */
export function roleOf(
  { services }: Pick<CulvertConfig, 'services'>,
  addresses: readonly AddressFacts[],
): HostRole {
  const vips = new Set(services.map(({ vip }) => vip));
  const own = addresses.filter(({ address }) => !vips.has(address) && !isLoopback(address));
  const found = services.flatMap((service) => rolesIn(service, own));
  if (found.length === 0) {
    const list = own.map(({ address }) => formatIp(address)).join(', ');
    throw new CulvertError(
      'NOT_FOUND',
      `no service has an address of this host among its reals or as its sorry server. This host has: ${list === '' ? 'none' : list}`,
    );
  }
  return {
    serves: unique(
      found.map(({ served }) => served),
      servedKey,
    ),
    listeners: unique(
      found.flatMap(({ served, ports }) => ports.map((port) => ({ vip: served.vip, port }))),
      ({ vip, port }) => `${vip} ${port}`,
    ),
    interfaces: [...new Set(found.map(({ interface: name }) => name))],
  };
}

interface Role {
  readonly served: Served;
  readonly ports: readonly number[];
  readonly interface: string;
}

function rolesIn(service: ServiceConfig, own: readonly AddressFacts[]): Role[] {
  const { vip, reals, sorryServer } = service;
  const ports = [service.port, ...service.morePorts].filter((port) => port !== 0);
  return [...reals, ...(sorryServer === undefined ? [] : [sorryServer])].flatMap((real) => {
    const held = own.find(({ address }) => address === real.address);
    if (held === undefined) return [];
    return [{ served: { vip, tunnel: real.tunnel ?? service.tunnel }, ports, interface: held.interface }];
  });
}

/** Returns the interface on which tunnel packets arrive. @throws CulvertError USAGE when the file leaves it open. */
export function interfaceOf({ interfaces }: HostRole): string {
  const [first, ...others] = interfaces;
  if (first !== undefined && others.length === 0 && first !== 'lo') return first;
  throw new CulvertError(
    'USAGE',
    `the file names this host by addresses on ${interfaces.join(', ')}. fix: name the interface on which tunnel packets arrive (--interface)`,
  );
}

function isLoopback(address: IpAddress): boolean {
  if (!isIpv4(address)) return address === ip('::1');
  return networkOf(address, LOOPBACK_PREFIX_LENGTH) === ip('127.0.0.0');
}

function unique<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
