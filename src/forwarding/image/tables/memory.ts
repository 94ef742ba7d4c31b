// The buffers of a forwarding image, and their sizes.
import {
  COUNTERS,
  CURSOR_SIZE,
  FLOW,
  FLOW_CLIENT_SIZE,
  FLOW_COUNTS_SIZE,
  FLOW_WAYS,
  NO_CLIENTS,
  REAL,
  REALS,
  SERVICE,
  SERVICE_BUCKETS,
  SERVICES,
  SETTINGS,
} from './layout.ts';

/**
 * The buffers of a forwarding image, one for each map of `bpf/layout.h`: mapped kernel memory in the xdp plane, plain memory in
 * the simulated one. `slowCounters` (struct counters by real index) and `reasons` (u64 by reason code) belong to the slow path
 * alone; the fast path counts per CPU beside them.
 */
export interface ImageMemory {
  readonly settings: ArrayBuffer;
  readonly services: ArrayBuffer;
  readonly noClients: ArrayBuffer;
  readonly slots: ArrayBuffer;
  readonly reals: ArrayBuffer;
  readonly flows: ArrayBuffer;
  readonly flowClients: ArrayBuffer;
  readonly flowCounts: ArrayBuffer;
  readonly cursors: ArrayBuffer;
  readonly slowCounters: ArrayBuffer;
  readonly reasons: ArrayBuffer;
}

export interface ImageCapacity {
  /** Slots of all rings together, a multiple of 16. */
  readonly slots: number;
  /** Flow entries, a power of two of at least 4. */
  readonly flows: number;
}

export const DEFAULT_CAPACITY: ImageCapacity = { slots: 1 << 22, flows: 1 << 20 };

/** The number of reason codes that `reasons` has room for. */
export const REASON_CAPACITY = 64;

/** Returns the size in bytes of each buffer of an image of this capacity. */
export function imageSizes(capacity: ImageCapacity): Readonly<Record<keyof ImageMemory, number>> {
  const flows = FLOW_WAYS * Math.ceil(capacity.flows / FLOW_WAYS);
  return {
    settings: SETTINGS.size,
    services: SERVICE.size * SERVICE_BUCKETS,
    noClients: NO_CLIENTS.size,
    slots: 4 * capacity.slots,
    reals: REAL.size * REALS,
    flows: FLOW.size * flows,
    flowClients: FLOW_CLIENT_SIZE * flows,
    flowCounts: FLOW_COUNTS_SIZE * REALS,
    cursors: CURSOR_SIZE * SERVICES,
    slowCounters: COUNTERS.size * REALS,
    reasons: 8 * REASON_CAPACITY,
  };
}

/** Allocates plain zeroed memory for an image, for the simulated plane and tests. */
export function allocateImageMemory(capacity: ImageCapacity = DEFAULT_CAPACITY): ImageMemory {
  const sizes = imageSizes(capacity);
  const names = Object.keys(sizes) as (keyof ImageMemory)[];
  return Object.fromEntries(
    names.map((name) => [name, new ArrayBuffer(sizes[name])]),
  ) as unknown as ImageMemory;
}
