import { type IpAddress, parseIp } from '../net/ip-address.ts';
import type { IssuePath } from './issue.ts';
import { portsOf } from './ports.ts';

/** Plain values of a configuration, unchecked: what is not of the right type is as if it were not there. */
export interface RawService {
  readonly path: IssuePath;
  readonly value: unknown;
  /** As it is written. */
  readonly vip: string;
  readonly vipAddress: IpAddress | undefined;
  readonly protocol: string;
  /** 0 for all. */
  readonly ports: readonly number[];
  readonly check: RawCheck;
  readonly reals: readonly RawReal[];
  readonly sorryServer: RawReal | undefined;
}

export interface RawReal {
  readonly path: IssuePath;
  readonly value: unknown;
  /** As it is written. */
  readonly text: string;
  readonly address: IpAddress | undefined;
  readonly check: RawCheck;
}

/** A check as one level writes it. */
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
      protocol: text(field(value, 'protocol') ?? 'tcp'),
      ports: portsOf(field(value, 'port')),
      check: { path: [...path, 'check'], value: field(value, 'check') },
      reals: items(field(value, 'reals')).map((real, position) =>
        rawReal(real, [...path, 'reals', position]),
      ),
      sorryServer: sorryServer === undefined ? undefined : rawReal(sorryServer, [...path, 'sorryServer']),
    };
  });
}

function rawReal(value: unknown, path: IssuePath): RawReal {
  const address = text(field(value, 'address'));
  const check = { path: [...path, 'check'], value: field(value, 'check') };
  return { path, value, text: address, address: parseIp(address), check };
}

/** Undefined where there is no such field, or nothing that has fields. */
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
