import { LAB } from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Real,
  type Service,
} from '../../../../src/forwarding/forwarding-table.ts';

/** The lab's reals with weight 1 and serving, but for what is changed in each. */
export function labReals(...changes: readonly Partial<Real>[]): Real[] {
  return LAB.reals.map((address, index) => ({ address, weight: 1, serving: true, ...changes[index] }));
}

/** The lab's service on port 80 of its VIP, with what a test wants different. */
export function labTable(different: Partial<Service> = {}): ForwardingTable {
  const service: Service = {
    vip: LAB.vip,
    protocol: 'tcp',
    port: 80,
    scheduler: 'rr',
    hashOn: 'flow',
    tunnel: { type: 'ipip' },
    blackhole: { policy: 'cure', after: 2 },
    reals: labReals(),
    ...different,
  };
  return { hashKey: new Uint8Array(16).fill(7), timeouts: DEFAULT_TIMEOUTS, services: [service] };
}
