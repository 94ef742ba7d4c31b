// Contradictions between the options of one service, and between those of its reals.
import { serviceShape } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import type { SchedulerFlag, SchedulerName } from '../../forwarding/forwarding-table.ts';
import { isIpv4 } from '../../net/address/ip-address.ts';
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import {
  type PartialConfig,
  type PartialReal,
  type PartialService,
  type ServiceOptions,
  WRONG,
  type Wrong,
} from './partial-config.ts';

/** Returns contradictions between the options of one service, and between those of `defaults`. */
export function serviceFaults({ defaults, services }: PartialConfig): ConfigIssue[] {
  // Flags of `defaults` apply only to services with the scheduler of `defaults`.
  const { scheduler: general = defaultOf(serviceShape.scheduler) } = defaults.options;
  return [
    ...flagFaults(defaults.path, defaults.options, general),
    ...services.flatMap((service) => [
      ...flagFaults(service.path, service.options, service.options.scheduler ?? general),
      ...onePacketFaults(service),
      ...prefixFaults(service),
      ...service.reals.flatMap((real) => thresholdFaults(real, service)),
    ]),
  ];
}

const SCHEDULER_OF_FLAG: Readonly<Record<SchedulerFlag, SchedulerName>> = {
  'sh-port': 'sh',
  'sh-fallback': 'sh',
};

function flagFaults(
  path: IssuePath,
  { schedulerFlags: flags = [] }: Pick<ServiceOptions, 'schedulerFlags'>,
  scheduler: SchedulerName | Wrong,
): ConfigIssue[] {
  if (flags === WRONG || scheduler === WRONG) return [];
  return flags.flatMap((flag, index) => {
    if (flag === WRONG || SCHEDULER_OF_FLAG[flag] === scheduler) return [];
    const message = `${flag} is for scheduler ${SCHEDULER_OF_FLAG[flag]}, but the scheduler here is ${scheduler}; fix: remove this flag`;
    return [{ path: [...path, 'schedulerFlags', index], message }];
  });
}

function onePacketFaults({ path, options, protocol }: PartialService): ConfigIssue[] {
  if (options.onePacket !== true) return [];
  const faults: ConfigIssue[] = [];
  if (protocol !== undefined && protocol !== 'udp') {
    const message = `found onePacket with protocol ${protocol}, whose packets must stay with one real; allowed: only with protocol udp`;
    faults.push({ path: [...path, 'onePacket'], message });
  }
  if (options.persistence !== undefined) {
    const message = 'persistence keeps a client with one real, onePacket does not; allowed: only one of them';
    faults.push({ path: [...path, 'persistence'], atKey: true, message });
  }
  return faults;
}

function prefixFaults({ path, options: { persistence }, vip }: PartialService): ConfigIssue[] {
  const prefix = typeof persistence === 'object' ? persistence.prefix : undefined;
  if (prefix === undefined || prefix === WRONG || prefix <= 32) return [];
  if (vip === undefined || !isIpv4(vip)) return [];
  const message = `found ${prefix}, but the clients of this service use IPv4; allowed: a whole number from 1 to 32`;
  return [{ path: [...path, 'persistence', 'prefix'], message }];
}

function thresholdFaults({ path, options }: PartialReal, service: PartialService): ConfigIssue[] {
  const { upperThreshold: upper = 0, lowerThreshold: lower = 0 } = options;
  if (upper === WRONG || lower === WRONG) return [];
  if (upper > 0 && service.options.onePacket === true) {
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
