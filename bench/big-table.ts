import type { CulvertConfig } from '../src/contract/config/config.ts';
import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Real,
  type Service,
} from '../src/forwarding/forwarding-table.ts';
import { formatIpv4, type Ipv4Address, ipv4 } from '../src/net/address/ipv4-address.ts';

export const SERVICES = 1000;
export const REALS = 10;

const FIRST_VIP = ipv4('192.0.2.0');
const FIRST_REAL = ipv4('10.1.0.0');
const BLACKHOLE = { policy: 'cure', after: 2 } as const;

/** 1,000 services of 10 reals each; the weight of the very first real can be chosen. */
export function bigTable(firstWeight = 100): ForwardingTable {
  const services = Array.from({ length: SERVICES }, (_, service): Service => {
    const reals = realsOf(service).map((address): Real => ({ address, weight: 100, serving: true }));
    if (service === 0 && reals[0] !== undefined) reals[0] = { ...reals[0], weight: firstWeight };
    const key = { vip: vipOf(service), protocol: 'tcp', port: 80 } as const;
    return { ...key, scheduler: 'mh', hashOn: 'flow', tunnel: { type: 'ipip' }, blackhole: BLACKHOLE, reals };
  });
  return { hashKey: new Uint8Array(16).fill(7), timeouts: DEFAULT_TIMEOUTS, services };
}

/** The same as a configuration file, without checks; the weight of the very first real can be chosen. */
export function bigConfig(
  director: Pick<CulvertConfig['director'], 'instance' | 'runDirectory'>,
  firstWeight = 100,
): string {
  const services = Array.from({ length: SERVICES }, (_, service) => {
    const reals = realsOf(service).map((address, index) => {
      const weight = service === 0 && index === 0 ? firstWeight : 100;
      return `{address: ${formatIpv4(address)}, weight: ${weight}}`;
    });
    return `  - {vip: ${formatIpv4(vipOf(service))}, protocol: tcp, port: 80, check: none, reals: [${reals.join(', ')}]}`;
  });
  const { instance, runDirectory } = director;
  return `director: {interface: eth0, instance: ${instance}, runDirectory: ${runDirectory}, stateDirectory: ${runDirectory}}
services:
${services.join('\n')}
`;
}

export function vipOf(service: number): Ipv4Address {
  return (FIRST_VIP + service) as Ipv4Address;
}

function realsOf(service: number): Ipv4Address[] {
  return Array.from({ length: REALS }, (_, real) => (FIRST_REAL + service * 16 + real + 1) as Ipv4Address);
}
