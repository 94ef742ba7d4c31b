// The layout of the forwarding image as bytes, the same as in bpf/layout.h.

/**
 * The layout version. The offsets, sizes and constants here are those of `bpf/layout.h`, which says what each field means. Host
 * byte order is little-endian; fields marked BE hold network byte order.
 */
export const LAYOUT_VERSION = 3;

export const SETTINGS = {
  size: 64,
  hashKey: 0,
  slowPathIfIndex: 16,
  flowSetMask: 20,
  now: 24,
  layoutVersion: 28,
  outerId: 32,
  budget: 36,
  patience: 52,
} as const;

/** The kinds of packets that the slow path gets, each with a budget. */
export const RARITY = { opening: 0, neighbour: 1, other: 2, answer: 3 } as const;
export const RARITIES = 4;

/** The number of shares of the slow path's budget: by index for services, and above them for VIPs. */
export const SHARES = 32768;
export const ALL_SHARES: number = RARITIES * SHARES;
export const SPENDING = { size: 8, epoch: 0, packets: 4 } as const;
export const HAND_OVER = {
  size: 1_048_672,
  epoch: 0,
  answersIfIndex: 4,
  level: 8,
  total: 64,
  shares: 96,
} as const;

/** Rows of `check_words`, two for each protocol: IPv4 and IPv6. */
export const CHECK_ROW = { tcp: 0, udp: 1, icmp: 2 } as const;
export const CHECK_WORDS: number = 6 << 16;

/** Sizes of the list of addresses that no client has, which is searched by client word. */
export const NO_CLIENT_FILTER: number = 1 << 12;
export const NO_CLIENT_PLACES: number = 1 << 16;
export const NO_CLIENT_PROBES = 16;
export const NO_CLIENTS = { size: 266_240, filter: 0, words: 4096 } as const;

export const SERVICE_KIND = {
  empty: 0,
  vip: 1,
  hash: 2,
  rotation: 3,
  delegated: 4,
  turns: 5,
  rare: 6,
} as const;
/** Values of the index field in a VIP's own entry. */
export const VIP_CLAIM = { always: 0, host: 1, never: 2 } as const;
/** Flag in the protocol field of an IPv6 service. */
export const SERVICE_IPV6 = 0x40;
export const SERVICE_BUCKET_BITS = 16;
export const SERVICE_BUCKETS: number = 1 << SERVICE_BUCKET_BITS;
export const SERVICE_PROBES = 8;
export const SERVICES = 16384;
export const SERVICE = {
  size: 32,
  vipBe: 0,
  portBe: 16,
  protocol: 18,
  kind: 19,
  index: 20,
  portMask: 22,
  ring: 24,
} as const;

export const SLOTS_PER_LINE = 16;
export const SLOT_REAL_BITS = 15;
export const SLOT_REAL_MASK = 0x7fff;
export const SLOT_TRACKED = 0x4000_0000;

export const REALS = 32768;
export const REAL_STATE = { serving: 1, resolved: 2, local: 4 } as const;
export const TUNNEL_TYPE = { ipip: 0, gre: 1, gue: 2 } as const;
export const REAL_FLAGS = { outerIpv6: 1, overloaded: 2, checksum: 4, remoteChecksum: 8 } as const;
/** Flag in the VLAN ID field: frames leave with a tag. */
export const REAL_VLAN = 0x1000;

/** Flag in the interface index: XDP_TX does not work on this device, redirection does. */
export const REAL_REDIRECT = 0x80000000;
export const REAL = {
  size: 64,
  nextHopMac: 0,
  state: 6,
  sourceMac: 8,
  mtuBytes: 14,
  ifIndex: 16,
  serviceIndex: 20,
  tunnel: 22,
  overheadBytes: 23,
  outerSourceBe: 24,
  outerDestinationBe: 40,
  tunnelPortBe: 56,
  vlan: 58,
  weight: 60,
  flags: 62,
} as const;

export const FLOW_WAYS = 4;
export const FLOW_BUSY = 1n;
export const FLOW = { size: 16, key: 0, value: 8 } as const;
/** Bytes of `flow_clients` for each way: an IPv6 address. */
export const FLOW_CLIENT_SIZE = 16;
export const FLOW_STATE = {
  none: 0,
  synRecv: 1,
  established: 2,
  finWait: 3,
  close: 4,
  udp: 5,
  timeWait: 6,
  template: 7,
  assuredTemplate: 8,
  sctpInit1: 9,
  sctpInit: 10,
  sctpCookieEchoed: 11,
  sctpEstablished: 12,
  sctpShutdown: 13,
  sctpClosed: 14,
} as const;

/** A value of `FLOW_STATE`. */
export type FlowState = number;
/** A bit for each state that IPVS counts as active. */
export const FLOW_ACTIVE_STATES = 0x1006;
/** Cost by state, four bits each; see flow-table.ts. */
export const FLOW_COSTS = 0x034222531203420n;
export const FLOW_LIMITS = 0x2020203420n;
export const FLOW_SPENT_TICKS = 100;

export const FLOW_COUNTS_SIZE = 8;

export const CURSOR_SIZE = 8;
export const COUNTERS = { size: 24, packets: 0, bytes: 8, connections: 16 } as const;

/** The unit of time in the image: 100 ms of CLOCK_BOOTTIME. */
export const TICK_MS = 100;

/** The time for which freed memory is not given out again: longer than any packet stays inside the director. */
export const REUSE_DELAY_TICKS: number = 5000 / TICK_MS;
