import {
  DEFAULT_TIMEOUTS,
  type ForwardingTable,
  type Service,
} from '../../../../src/forwarding/forwarding-table.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../../../src/forwarding/image/tables/layout.ts';
import { createForwarderState, type ForwarderState } from '../../../../src/forwarding/state.ts';
import {
  DIRECTOR,
  DIRECTOR_MAC,
  IF_INDEX,
  MTU,
  NEXT_HOP_MAC,
  NOW_MS,
  REALS,
  smallMemory,
  VIP,
} from '../../../unit/forwarding/forwarder/fixture.ts';
import { ACK, fragmentsOf, PSH, tcp, udp } from '../../../unit/forwarding/forwarder/packets.ts';

export const PORT = { one: 80, rr: 81, none: 82, wrr: 84, dns: 53 } as const;

/** tcp 80 and udp 53 have one real, so that the order of choice plays no part; tcp 82 has none that takes anything. */
export const TABLE: ForwardingTable = {
  hashKey: new Uint8Array(16),
  timeouts: DEFAULT_TIMEOUTS,
  services: [
    service('tcp', PORT.one, 'rr', [1]),
    service('udp', PORT.dns, 'rr', [1]),
    service('tcp', PORT.rr, 'rr', [1, 1, 1]),
    service('tcp', PORT.wrr, 'wrr', [3, 2, 1]),
    service('tcp', PORT.none, 'rr', [0]),
  ],
};

export interface Case {
  readonly description: string;
  /** In order; the client's port tells the flows of the cases apart. */
  readonly packets: (sourcePort: number) => readonly Uint8Array[];
  /** Behind each packet, in its frame. */
  readonly paddingBytes?: number;
  /** Its line in docs/reference/ipvs-differences.md, where what leaves is meant to differ. */
  readonly difference?: string;
}

export const CASES: readonly Case[] = [
  opening('a SYN'),
  opening('a SYN without DF: the outer ID comes from a counter', { dontFragment: false }),
  opening('a SYN without DF or an ID', { dontFragment: false, id: 0 }),
  opening('DSCP', { tos: 0xb8 }),
  opening('ECN ECT(0)', { tos: 0x02 }),
  opening('ECN ECT(1)', { tos: 0x01 }),
  { ...opening('ECN CE', { tos: 0x03 }), difference: 'ECN' },
  opening('TTL 2', { ttl: 2 }),
  opening('TTL 255', { ttl: 255 }),
  opening('TTL 1: time exceeded from the VIP', { ttl: 1 }),
  { ...opening('padding'), paddingBytes: 6 },
  established('data of a flow', 100),
  established('exactly as large as fits', 1440),
  established('a byte too big, with DF', 1441),
  established('as large as the link takes, with DF', 1460),
  established('a byte too big, without DF', 1441, false),
  established('as large as the link takes, without DF', 1460, false),
  datagram('UDP', 10),
  datagram('UDP too big, with DF', 1472),
  datagram('UDP too big, without DF', 1472, false),
  {
    description: 'no real takes anything: port unreachable',
    packets: (sourcePort) => [tcp(PORT.none, { sourcePort })],
  },
  {
    description: 'fragments',
    packets: (sourcePort) =>
      fragmentsOf(udp(PORT.dns, { sourcePort, dataBytes: 1200, ip: { dontFragment: false } }), [600]),
    difference: "Fragments of a client's packet",
  },
];

/** The client's. */
export const FIRST_PORTS = { cases: 41_000, openings: 50_000 } as const;

/** Packets of new flows, one behind the other: whose turn it is shows in where they go. */
export function openings(port: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => tcp(port, { sourcePort: FIRST_PORTS.openings + i }));
}

/** culvert over the same table, knowing the way to each real. */
export function culvertState(): ForwarderState {
  const image = new ForwardingImage(smallMemory());
  image.setNow(NOW_MS / TICK_MS);
  image.apply(TABLE, NOW_MS / TICK_MS);
  const resolved = { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: IF_INDEX };
  for (const { index } of image.reals()) {
    image.setPath(index, { sourceAddress: DIRECTOR, mtuBytes: MTU, resolved });
  }
  return createForwarderState({ image, linkMtuBytes: MTU, interfaceMac: DIRECTOR_MAC });
}

function opening(description: string, ip: NonNullable<Parameters<typeof tcp>[1]>['ip'] = {}): Case {
  return { description, packets: (sourcePort) => [tcp(PORT.one, { sourcePort, ip })] };
}

function established(description: string, dataBytes: number, dontFragment = true): Case {
  const data = { flags: ACK | PSH, dataBytes, ip: { dontFragment } };
  return {
    description,
    packets: (sourcePort) => [tcp(PORT.one, { sourcePort }), tcp(PORT.one, { ...data, sourcePort })],
  };
}

function datagram(description: string, dataBytes: number, dontFragment = true): Case {
  const ip = { dontFragment };
  return { description, packets: (sourcePort) => [udp(PORT.dns, { sourcePort, dataBytes, ip })] };
}

function service(
  protocol: Service['protocol'],
  port: number,
  scheduler: Service['scheduler'],
  weights: readonly number[],
): Service {
  return {
    vip: VIP,
    protocol,
    port,
    scheduler,
    hashOn: 'flow',
    tunnel: { type: 'ipip' },
    blackhole: { policy: 'refuse', after: 2 },
    reals: weights.map((weight, i) => ({ address: REALS[i] ?? DIRECTOR, weight, serving: true })),
  };
}
