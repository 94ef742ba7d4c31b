import { XDP_VERDICT } from '../../../src/linux/bpf/bpf-program.ts';
import { type Ipv4Address, ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import type { DecapsulationCounts } from '../../../src/realserver/facts/facts.ts';
import { CLIENT, clientPacket, frame, headerOf, REAL, STRANGER, tunnelled, VIP } from './tunnel-frames.ts';

const { pass, drop } = XDP_VERDICT;
export const SECOND_VIP: Ipv4Address = ipv4('192.0.2.11');
export const RECORD_ROUTE: Uint8Array = Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0);
export const ECN = { notEct: 0, ect1: 1, ect0: 2, ce: 3 } as const;

export interface Case {
  readonly description: string;
  readonly input: Uint8Array;
  readonly verdict: number;
  /** Left out: as it came. */
  readonly output?: Uint8Array;
  readonly count?: keyof DecapsulationCounts;
}

/** A changed copy. */
export function edited(bytes: Uint8Array, edit: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  edit(copy);
  return copy;
}

export function sumMended(packet: Uint8Array): Uint8Array {
  const header = headerOf(packet);
  const payload = packet.subarray(header.headerBytes);
  return buildIpv4(header, payload, packet.subarray(20, header.headerBytes));
}

export const small: Uint8Array = clientPacket(18);
export const withOptions: Uint8Array = clientPacket(30, {}, RECORD_ROUTE);
export const large: Uint8Array = clientPacket(1452);

const accepted: Case[] = [
  { description: 'an ordinary packet', input: frame(tunnelled(small)), output: frame(small) },
  { description: 'the largest that fits', input: frame(tunnelled(large)), output: frame(large) },
  { description: 'inner options stay', input: frame(tunnelled(withOptions)), output: frame(withOptions) },
  {
    description: 'outer options go with the outer header',
    input: frame(tunnelled(small, {}, RECORD_ROUTE)),
    output: frame(small),
  },
  {
    description: 'an inner fragment',
    input: frame(tunnelled(clientFragment())),
    output: frame(clientFragment()),
  },
  {
    description: 'DSCP of the outer header is not taken over',
    input: frame(tunnelled(small, { tos: 0xb8 })),
    output: frame(small),
  },
  {
    description: 'padding behind the outer packet is left to the stack',
    input: Buffer.concat([frame(tunnelled(small)), new Uint8Array(6)]),
    output: Buffer.concat([frame(small), new Uint8Array(6)]),
  },
].map((entry) => ({ ...entry, verdict: pass, count: 'decapsulated' }));

function clientFragment(): Uint8Array {
  return buildIpv4(
    { protocol: PROTOCOL.udp, source: CLIENT, destination: VIP, id: 7, moreFragments: true },
    new Uint8Array(64).fill(5),
  );
}

/** RFC 6040, figure 4: the outer mark, the inner one, and what comes of them; undefined: dropped. */
const congestion: Case[] = (
  [
    ['notEct', 'notEct', 'notEct'],
    ['notEct', 'ect0', 'ect0'],
    ['notEct', 'ect1', 'ect1'],
    ['notEct', 'ce', 'ce'],
    ['ect0', 'notEct', 'notEct'],
    ['ect0', 'ect0', 'ect0'],
    ['ect0', 'ect1', 'ect1'],
    ['ect0', 'ce', 'ce'],
    ['ect1', 'notEct', 'notEct'],
    ['ect1', 'ect0', 'ect1'],
    ['ect1', 'ect1', 'ect1'],
    ['ect1', 'ce', 'ce'],
    ['ce', 'notEct', undefined],
    ['ce', 'ect0', 'ce'],
    ['ce', 'ect1', 'ce'],
    ['ce', 'ce', 'ce'],
  ] as const
).map(([outer, inner, result]) => {
  const packet = edited(small, (copy) => {
    copy[1] = 0x28 | ECN[inner];
  });
  const sound = sumMended(packet);
  const input = frame(tunnelled(sound, { tos: ECN[outer] }));
  const description = `ECN ${outer} over ${inner}`;
  if (result === undefined) return { description, input, verdict: drop, count: 'congestion' };
  const marked = edited(sound, (copy) => {
    copy[1] = 0x28 | ECN[result];
  });
  return { description, input, verdict: pass, output: frame(sumMended(marked)), count: 'decapsulated' };
});

const refused: Case[] = [
  {
    description: 'from a stranger',
    input: frame(tunnelled(small, { source: STRANGER })),
    verdict: drop,
    count: 'refusedSource',
  },
  {
    description: 'for no VIP: another tunnel of this host may want it',
    input: frame(tunnelled(clientPacket(20, { destination: REAL }))),
    verdict: pass,
    count: 'otherDestination',
  },
  {
    description: 'for no VIP, from a stranger',
    input: frame(tunnelled(clientPacket(20, { destination: REAL }), { source: STRANGER })),
    verdict: pass,
    count: 'otherDestination',
  },
  {
    description: 'inner version 6',
    input: frame(tunnelled(edited(small, (copy) => copy.fill(0x65, 0, 1)))),
    verdict: drop,
    count: 'malformed',
  },
  {
    description: 'inner ihl 4',
    input: frame(tunnelled(edited(small, (copy) => copy.fill(0x44, 0, 1)))),
    verdict: drop,
    count: 'malformed',
  },
  {
    description: 'inner total length beyond the outer packet',
    input: frame(tunnelled(edited(small, (copy) => copy.fill(0xff, 2, 3)))),
    verdict: drop,
    count: 'malformed',
  },
  {
    description: 'inner total length below its header',
    input: frame(tunnelled(edited(small, (copy) => copy.set([0, 19], 2)))),
    verdict: drop,
    count: 'malformed',
  },
];

const others: Case[] = [
  { description: 'not a tunnel packet', input: frame(small) },
  { description: 'not IPv4', input: edited(frame(tunnelled(small)), (copy) => copy.set([0x86, 0xdd], 12)) },
  { description: 'an Ethernet header alone', input: frame(new Uint8Array(0)) },
  { description: 'cut off in the outer header', input: frame(tunnelled(small)).subarray(0, 30) },
  { description: 'cut off in the inner header', input: frame(tunnelled(small)).subarray(0, 50) },
  { description: 'an inner packet of 19 bytes', input: frame(tunnelled(small.subarray(0, 19))) },
  {
    description: 'outer ihl 4',
    input: edited(frame(tunnelled(small)), (copy) => copy.fill(0x44, 14, 15)),
  },
  {
    description: 'outer ihl beyond the packet',
    input: edited(frame(tunnelled(small.subarray(0, 20))), (copy) => copy.fill(0x4f, 14, 15)),
  },
  {
    description: 'outer total length beyond the frame',
    input: frame(tunnelled(large)).subarray(0, 1000),
  },
  {
    description: 'outer checksum wrong',
    input: edited(frame(tunnelled(small)), (copy) => copy.fill((copy[24] ?? 0) ^ 1, 24, 25)),
  },
  {
    description: 'outer checksum wrong, in a header with options',
    input: edited(frame(tunnelled(small, {}, RECORD_ROUTE)), (copy) => copy.fill(9, 40, 41)),
  },
].map((entry) => ({ ...entry, verdict: pass }));

/** One frame each, what becomes of it, and what that is counted as. */
export const CASES: readonly Case[] = [...accepted, ...congestion, ...refused, ...others];
