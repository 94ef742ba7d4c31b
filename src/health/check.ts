import type { CheckConfig, ServiceConfig } from '../config/config.ts';
import type { CheckTarget } from '../dataplane/check-connector.ts';
import { formatIpv4, type Ipv4Address } from '../net/ipv4-address.ts';
import type { CheckSchedule } from './check-state.ts';

/** What is checked and how; checks with the same key are the same, whichever reals they are for. */
export interface Check {
  readonly key: string;
  readonly target: CheckTarget;
  readonly schedule: CheckSchedule;
}

export function checkOf(service: ServiceConfig, real: Ipv4Address, config: CheckConfig): Check {
  const target = targetOf(service, real, config);
  const { intervalMs, timeoutMs, retries, retryDelayMs } = config;
  const key = `${describeTarget(target)} ${intervalMs} ${timeoutMs} ${retries} ${retryDelayMs}`;
  return { key, target, schedule: config };
}

function targetOf(service: ServiceConfig, real: Ipv4Address, config: CheckConfig): CheckTarget {
  const port = config.port ?? service.port;
  return config.via === 'tunnel'
    ? { via: 'tunnel', vip: service.vip, port, real }
    : { via: 'direct', address: real, port };
}

export function describeTarget(target: CheckTarget): string {
  return target.via === 'tunnel'
    ? `${formatIpv4(target.vip)}:${target.port} in the tunnel to ${formatIpv4(target.real)}`
    : `${formatIpv4(target.address)}:${target.port}`;
}
