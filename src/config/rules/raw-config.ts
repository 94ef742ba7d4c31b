// The values of a configuration before they are validated.
import { serviceShape } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import { portsOf } from '../../contract/values/port-list.ts';
import { type IpAddress, parseIp } from '../../net/address/ip-address.ts';
import type { IssuePath } from '../validate/issue.ts';

/** Plain values of a configuration, unchecked: what is not of the right type is as if it were not there. */
export interface RawService {
  readonly path: IssuePath;
  readonly value: unknown;
  /** The VIP as it is written. */
  readonly vip: string;
  readonly vipAddress: IpAddress | undefined;
  readonly protocol: string;
  /** 0 for all. */
  readonly ports: readonly number[];
  readonly checks: RawChecks;
  readonly reals: readonly RawReal[];
  readonly sorryServer: RawReal | undefined;
}

export interface RawReal {
  readonly path: IssuePath;
  readonly value: unknown;
  /** The text as it is written. */
  readonly text: string;
  readonly address: IpAddress | undefined;
  readonly checks: RawChecks;
}

/** The checks at one level, which has this path. */
export interface RawChecks {
  readonly path: IssuePath;
  readonly check: RawCheck | undefined;
  /** The list of checks; undefined if the level has none. */
  readonly checks: readonly RawCheck[] | undefined;
}

export interface RawCheck {
  readonly path: IssuePath;
  readonly value: unknown;
}

export function rawServices(config: unknown): RawService[] {
  return items(field(config, 'services')).map((value, index) => {
    const path = ['services', index];
    const vip = text(field(value, 'vip'));
    const sorryServer = field(value, 'sorryServer');
    return {
      path,
      value,
      vip,
      vipAddress: parseIp(vip),
      protocol: text(field(value, 'protocol') ?? defaultOf(serviceShape.protocol)),
      ports: portsOf(field(value, 'port')),
      checks: rawChecks(value, path),
      reals: items(field(value, 'reals')).map((real, position) =>
        rawReal(real, [...path, 'reals', position]),
      ),
      sorryServer: sorryServer === undefined ? undefined : rawReal(sorryServer, [...path, 'sorryServer']),
    };
  });
}

function rawReal(value: unknown, path: IssuePath): RawReal {
  const address = text(field(value, 'address'));
  return { path, value, text: address, address: parseIp(address), checks: rawChecks(value, path) };
}

export function rawChecks(level: unknown, path: IssuePath): RawChecks {
  const [check, checks] = [field(level, 'check'), field(level, 'checks')];
  return {
    path,
    check: check === undefined ? undefined : { path: [...path, 'check'], value: check },
    checks: Array.isArray(checks)
      ? checks.map((value, index) => ({ path: [...path, 'checks', index], value }))
      : undefined,
  };
}

/** Returns a field; undefined where there is no such field, or the value has no fields. */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
