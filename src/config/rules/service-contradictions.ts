// Contradictions between the options of one service.
import { serviceShape } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import type { SchedulerFlag, SchedulerName } from '../../forwarding/forwarding-table.ts';
import { isIpv4 } from '../../net/address/ip-address.ts';
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { effectFaults } from './effect-contradictions.ts';
import { field, items, type RawReal, type RawService } from './raw-config.ts';
import { tunnelFaults } from './tunnel-contradictions.ts';

/** Returns contradictions between the options of one service and those of `defaults`. */
export function serviceFaults(service: RawService, defaults: unknown): ConfigIssue[] {
  const { path, value } = service;
  return [
    ...flagFaults(
      path,
      value,
      field(value, 'scheduler') ?? field(defaults, 'scheduler') ?? defaultOf(serviceShape.scheduler),
    ),
    ...onePacketFaults(service),
    ...prefixFaults(service),
    ...tunnelFaults([...path, 'tunnel'], field(value, 'tunnel')),
    ...effectFaults(service, defaults),
    ...service.reals.flatMap((real) => realFaults(real, service)),
  ];
}

/** Flags of `defaults` apply only to services with the scheduler of `defaults`. */
export function defaultFlagFaults(defaults: unknown): ConfigIssue[] {
  return flagFaults(
    ['defaults'],
    defaults,
    field(defaults, 'scheduler') ?? defaultOf(serviceShape.scheduler),
  );
}

const SCHEDULER_OF_FLAG: Readonly<Record<SchedulerFlag, SchedulerName>> = {
  'sh-port': 'sh',
  'sh-fallback': 'sh',
};

function flagFaults(path: IssuePath, value: unknown, scheduler: unknown): ConfigIssue[] {
  return items(field(value, 'schedulerFlags')).flatMap((flag, index) => {
    const wanted = SCHEDULER_OF_FLAG[flag as SchedulerFlag] as SchedulerName | undefined;
    if (wanted === undefined || wanted === scheduler || typeof scheduler !== 'string') return [];
    const message = `${String(flag)} is for scheduler ${wanted}, but the scheduler here is ${scheduler}; fix: remove this flag`;
    return [{ path: [...path, 'schedulerFlags', index], message }];
  });
}

function onePacketFaults({ path, value, protocol }: RawService): ConfigIssue[] {
  if (field(value, 'onePacket') !== true) return [];
  const faults: ConfigIssue[] = [];
  if (protocol !== 'udp') {
    const message = `found onePacket with protocol ${protocol}, whose packets must stay with one real; allowed: only with protocol udp`;
    faults.push({ path: [...path, 'onePacket'], message });
  }
  if (field(value, 'persistence') !== undefined) {
    const message = 'persistence keeps a client with one real, onePacket does not; allowed: only one of them';
    faults.push({ path: [...path, 'persistence'], atKey: true, message });
  }
  return faults;
}

function prefixFaults({ path, value, vipAddress }: RawService): ConfigIssue[] {
  const prefix = field(field(value, 'persistence'), 'prefix');
  if (typeof prefix !== 'number' || vipAddress === undefined || !isIpv4(vipAddress)) return [];
  if (prefix <= 32 || prefix > 128) return [];
  const message = `found ${prefix}, but the clients of this service use IPv4; allowed: a whole number from 1 to 32`;
  return [{ path: [...path, 'persistence', 'prefix'], message }];
}

function realFaults(real: RawReal, service: RawService): ConfigIssue[] {
  return [
    ...tunnelFaults([...real.path, 'tunnel'], field(real.value, 'tunnel')),
    ...thresholdFaults(real, service),
  ];
}

function thresholdFaults({ path, value }: RawReal, service: RawService): ConfigIssue[] {
  const upper = field(value, 'upperThreshold') ?? 0;
  const lower = field(value, 'lowerThreshold') ?? 0;
  if (typeof upper !== 'number' || typeof lower !== 'number') return [];
  if (upper > 0 && field(service.value, 'onePacket') === true) {
    const message = 'a threshold counts flows, and a service with onePacket has none; fix: remove this key';
    return [{ path: [...path, 'upperThreshold'], atKey: true, message }];
  }
  if (lower <= upper) return [];
  const message =
    upper === 0
      ? `found ${lower} without upperThreshold; allowed: only with an upperThreshold that is not less`
      : `found ${lower}, more than upperThreshold; allowed: a whole number from 0 to ${upper}`;
  return [{ path: [...path, 'lowerThreshold'], message }];
}
