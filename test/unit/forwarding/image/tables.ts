import type {
  FlowTimeouts,
  ForwardingTable,
  Real,
  Service,
} from '../../../../src/forwarding/forwarding-table.ts';
import type { ForwardingImage, ScannedFlow } from '../../../../src/forwarding/image/forwarding-image.ts';
import { FLOW_CLIENT_SIZE, FLOW_WAYS } from '../../../../src/forwarding/image/tables/layout.ts';
import { type ImageMemory, imageSizes } from '../../../../src/forwarding/image/tables/memory.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';

export const HASH_KEY: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => 29 * i + 11);
export const VIP: Ipv4Address = ipv4('192.0.2.10');

/** Short ones, so that tests step through them: 50, 200, 80, 20, 100 and 120 ticks. */
export const SHORT_TIMEOUTS: FlowTimeouts = {
  synRecvMs: 5_000,
  establishedMs: 20_000,
  finWaitMs: 8_000,
  closeMs: 2_000,
  udpMs: 10_000,
  timeWaitMs: 12_000,
};

export function real(number: number, overrides: Partial<Real> = {}): Real {
  return { address: (ipv4('10.0.0.0') + number) as Ipv4Address, weight: 1, serving: true, ...overrides };
}

export function service(overrides: Partial<Service> = {}): Service {
  return {
    vip: VIP,
    protocol: 'tcp',
    port: 80,
    scheduler: 'mh',
    hashOn: 'flow',
    tunnel: { type: 'ipip' },
    blackhole: { policy: 'cure', after: 2 },
    reals: [real(1), real(2), real(3)],
    ...overrides,
  };
}

export function table(
  services: readonly Service[],
  timeouts: FlowTimeouts = SHORT_TIMEOUTS,
): ForwardingTable {
  return { hashKey: HASH_KEY, timeouts, services };
}

export type FlowMemory = Pick<ImageMemory, 'flows' | 'flowClients' | 'flowCounts'>;

/** The parts of an image that a flow table of so many sets needs, of plain memory or of shared. */
export function flowMemory(sets: number, Buffer: { new (bytes: number): unknown } = ArrayBuffer): FlowMemory {
  const buffer = (bytes: number): ArrayBuffer => new Buffer(bytes) as ArrayBuffer;
  const { flowCounts } = imageSizes({ slots: 16, flows: sets * FLOW_WAYS });
  return {
    flows: buffer(64 * sets),
    flowClients: buffer(FLOW_CLIENT_SIZE * FLOW_WAYS * sets),
    flowCounts: buffer(flowCounts),
  };
}

/** Everything that the image remembers. */
export function flowsOf(image: Pick<ForwardingImage, 'scanFlows'>, nowTick: number): ScannedFlow[] {
  const flows: ScannedFlow[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    from = image.scanFlows({ from, nowTick }, (flow) => flows.push({ ...flow }));
  }
  return flows;
}
