import { DEFAULT_TIMEOUTS, type ForwardingTable, type Service } from '../src/forwarding/forwarding-table.ts';
import { selectReal } from '../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../src/forwarding/image/tables/memory.ts';
import { type Ipv4Address, ipv4 } from '../src/net/address/ipv4-address.ts';
import { type Sample, summarize } from './statistics.ts';

export interface FlowMemoryResult {
  readonly flows: number;
  /** A sweep of all flows of an rr service, and of a wlc service that is persistent: time of the processor. */
  readonly sweepMilliseconds: Sample;
  readonly persistentSweepMilliseconds: Sample;
  readonly reals: number;
  /** One weight of an mh service of so many reals: the ring built and written anew. */
  readonly ringMilliseconds: Sample;
}

const FLOWS = 1_000_000;
const REALS = 1000;
const SYN = 2;
const VIP = ipv4('192.0.2.10');
const PORTS_OF_A_CLIENT = 16;
const SWEEP_TICKS = 10;

export function benchFlowMemory(rounds: number): FlowMemoryResult {
  return {
    flows: FLOWS,
    sweepMilliseconds: summarize(sweeps({ scheduler: 'rr' }, rounds)),
    persistentSweepMilliseconds: summarize(
      sweeps({ scheduler: 'wlc', persistence: { timeoutMs: 300_000, prefixLength: 32 } }, rounds),
    ),
    reals: REALS,
    ringMilliseconds: summarize(rings(rounds)),
  };
}

function sweeps(overrides: Partial<Service>, rounds: number): number[] {
  const image = new ForwardingImage(allocateImageMemory({ slots: 1 << 14, flows: 1 << 22 }));
  image.setNow(1);
  image.apply(tableOf({ ...overrides, reals: reals(10) }), 1);
  const service = image.findService(VIP, 80, 'tcp');
  if (service === undefined) throw new Error('the service is missing');
  for (let flow = 0; flow < FLOWS; flow++) {
    const client = ipv4('10.0.0.0') + Math.floor(flow / PORTS_OF_A_CLIENT);
    selectReal(image, service, { client, clientPort: 1024 + (flow % PORTS_OF_A_CLIENT), tcpFlags: SYN }, 1);
  }
  return Array.from({ length: rounds }, (_, round) =>
    processorMilliseconds(() => image.sweep(1 + SWEEP_TICKS * round)),
  );
}

function rings(rounds: number): number[] {
  const image = new ForwardingImage(allocateImageMemory({ slots: 1 << 20, flows: 4 }));
  image.apply(tableOf({ reals: reals(REALS) }), 1);
  return Array.from({ length: rounds }, (_, round) => {
    const changed = reals(REALS).map((real, i) => (i === round ? { ...real, weight: 2 } : real));
    return processorMilliseconds(() => image.apply(tableOf({ reals: changed }), 2 + round));
  });
}

function tableOf(overrides: Partial<Service>): ForwardingTable {
  const service: Service = {
    vip: VIP,
    port: 80,
    protocol: 'tcp',
    scheduler: 'mh',
    hashOn: 'flow',
    tunnel: { type: 'ipip' },
    blackhole: { policy: 'cure', after: 2 },
    reals: [],
    ...overrides,
  };
  return { hashKey: new Uint8Array(16).fill(7), timeouts: DEFAULT_TIMEOUTS, services: [service] };
}

function reals(count: number): Service['reals'] {
  return Array.from({ length: count }, (_, i) => ({
    address: (ipv4('10.1.0.1') + i) as Ipv4Address,
    weight: 1,
    serving: true,
  }));
}

function processorMilliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
