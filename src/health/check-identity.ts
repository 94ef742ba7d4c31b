// The identity of a check: checks with the same key are one.
import type { CheckConfig } from '../contract/checks/check-config.ts';
import type { CheckSource } from '../contract/checks/check-source.ts';
import type { CheckType, ProbeConfig } from '../contract/checks/probe-config.ts';
import type { ServiceConfig } from '../contract/config/service-contract.ts';
import type { CheckTarget } from '../dataplane/check-connector.ts';
import { formatIp, type IpAddress } from '../net/address/ip-address.ts';
import { BFD_SCHEDULE, bfdProbe } from './bfd/bfd-probe.ts';
import type { CheckSchedule } from './check-state.ts';
import { openProbe } from './open-probe.ts';
import type { Probe } from './probe.ts';

/** A check without its reals. Checks with the same key are the same, whichever reals they are for. */
export interface Check {
  readonly key: string;
  readonly type: CheckType;
  readonly target: CheckTarget;
  readonly probe: Probe;
  readonly schedule: CheckSchedule;
  /** True: what is not known is down until an attempt has passed. */
  readonly alpha: boolean;
  readonly logAllFailures: boolean;
}

export function checkOf(service: ServiceConfig, real: IpAddress, config: CheckConfig): Check {
  const target = targetOf(service, real, config);
  const { via: _via, port: _port, address: _address, from: _from, ...how } = config;
  return {
    key: `${describeWhat(config.probe, target, real)} ${JSON.stringify(how)}`,
    type: config.probe.type,
    target,
    probe: config.probe.type === 'bfd' ? bfdProbe(config.probe, real) : openProbe(config.probe),
    schedule: config.probe.type === 'bfd' ? BFD_SCHEDULE : config,
    alpha: config.alpha,
    logAllFailures: config.logAllFailures,
  };
}

/** Describes what several services share: the content of a file, or the session with a neighbour. */
function describeWhat(probe: ProbeConfig, target: CheckTarget, real: IpAddress): string {
  if (probe.type === 'file') return 'file';
  return probe.type === 'bfd' ? `BFD with ${probe.neighbor ?? formatIp(real)}` : describeTarget(target);
}

function targetOf(service: ServiceConfig, real: IpAddress, config: CheckConfig): CheckTarget {
  const port = config.port ?? service.port;
  return config.via === 'tunnel'
    ? { via: 'tunnel', vip: service.vip, port, real }
    : { via: 'direct', address: config.address ?? real, port, from: config.from };
}

export function describeTarget(target: CheckTarget): string {
  return target.via === 'tunnel'
    ? `${formatIp(target.vip)}:${target.port} in the tunnel to ${formatIp(target.real)}`
    : `${formatIp(target.address)}:${target.port}${describeSource(target.from)}`;
}

function describeSource(source: CheckSource | undefined): string {
  if (source === undefined) return '';
  const { address, port, interface: name, mark } = source;
  const from = [address === undefined ? '' : formatIp(address), port, name, mark];
  return ` from ${from.map((part) => part ?? '').join(' ')}`;
}
