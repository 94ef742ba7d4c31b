import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import type { IpFamily } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { writeU16 } from '../../../src/net/bytes.ts';
import type { DecapsulationCounts } from '../../../src/realserver/facts/facts.ts';
import { ECN, edited, sumMended } from './cases.ts';
import { type Around, encapsulated } from './encapsulated.ts';
import { clientPacket, clientPacket6, REAL6, STRANGER, STRANGER6, versionOf } from './tunnel-frames.ts';

export const GUE_PORT = 6080;

/** Every kind of tunnel with every kind of checksum. */
export const TUNNELS: readonly Tunnel[] = [
  { type: 'ipip' },
  { type: 'gre', checksum: 'none' },
  { type: 'gre', checksum: 'full' },
  { type: 'gue', checksum: 'none', port: GUE_PORT },
  { type: 'gue', checksum: 'full', port: GUE_PORT },
  { type: 'gue', checksum: 'remote', port: GUE_PORT },
];

export interface Mix {
  readonly name: string;
  readonly tunnel: Tunnel;
  readonly outer: IpFamily;
  readonly inner: IpFamily;
}

/** Every kind with both families outside and both inside. */
export const MIXES: readonly Mix[] = TUNNELS.flatMap((tunnel) =>
  ([4, 6] as const).flatMap((outer) =>
    ([4, 6] as const).map((family) => ({
      name: nameOf(tunnel, outer, family),
      tunnel,
      outer,
      inner: family,
    })),
  ),
);

/** One outer packet, and what becomes of it. */
export interface TunnelCase {
  readonly description: string;
  readonly tunnel: Tunnel;
  readonly input: Uint8Array;
  /** Left out: it is dropped. */
  readonly output?: Uint8Array;
  /** Left out: it is the stack's, and not counted. */
  readonly count?: keyof DecapsulationCounts;
}

export function inner(family: IpFamily, bytes: number): Uint8Array {
  return family === 4 ? clientPacket(bytes) : clientPacket6(bytes);
}

function nameOf(tunnel: Tunnel, outer: IpFamily, family: IpFamily): string {
  const checksum =
    tunnel.type === 'ipip' || tunnel.checksum === 'none' ? '' : `, ${tunnel.checksum} checksum`;
  return `IPv${family} in ${tunnel.type}${checksum} in IPv${outer}`;
}

function mixCases({ name, tunnel, outer, inner: family }: Mix): TunnelCase[] {
  const packet = inner(family, 101);
  const around: Around = { tunnel, outer };
  const whole = encapsulated(packet, around);
  const last = whole.length - 1;
  const covered = tunnel.type !== 'ipip' && tunnel.checksum !== 'none';
  const damaged = edited(whole, (copy) => copy.fill((whole[last] ?? 0) ^ 1, last));
  const stranger = encapsulated(packet, { ...around, source: outer === 4 ? STRANGER : STRANGER6 });
  const elsewhere =
    family === 4
      ? clientPacket(20, { destination: ipv4('192.0.2.99') })
      : clientPacket6(20, { destination: REAL6 });
  const foreign = encapsulated(elsewhere, around);
  return [
    ...[1, 2, 3, 511, 512, 513, 1400, 3000].map((bytes): TunnelCase => {
      const sized = inner(family, bytes);
      const input = encapsulated(sized, around);
      return { description: `${name}: ${bytes} bytes`, tunnel, input, output: sized, count: 'decapsulated' };
    }),
    { description: `${name}: from a stranger`, tunnel, input: stranger, count: 'refusedSource' },
    {
      description: `${name}: for no VIP`,
      tunnel,
      input: foreign,
      output: foreign,
      count: 'otherDestination',
    },
    covered
      ? { description: `${name}: damaged on the way`, tunnel, input: damaged, count: 'checksum' }
      : {
          description: `${name}: damaged on the way, which the inner checksum finds`,
          tunnel,
          input: damaged,
          output: edited(packet, (copy) => copy.fill(damaged[last] ?? 0, packet.length - 1)),
          count: 'decapsulated',
        },
    {
      description: `${name}: inner packet longer than the outer one`,
      tunnel,
      input: encapsulated(
        edited(packet, (copy) => writeU16(copy, family === 4 ? 2 : 4, packet.length + 1)),
        { ...around, tunnel: withoutChecksum(tunnel) },
      ),
      count: 'malformed',
    },
    {
      description: `${name}: inner version wrong`,
      tunnel,
      input: encapsulated(packet, { ...around, tunnel: withoutChecksum(tunnel) }).map((byte, at, all) =>
        at === all.length - packet.length ? byte ^ 0xf0 : byte,
      ),
      count: 'malformed',
    },
    ...[1, 20, 30].map((bytes): TunnelCase => {
      const input = encapsulated(packet, around).subarray(0, (outer === 4 ? 20 : 40) + bytes);
      return { description: `${name}: cut off after ${bytes} bytes`, tunnel, input, output: input };
    }),
  ];
}

function withoutChecksum(tunnel: Tunnel): Tunnel {
  return tunnel.type === 'ipip' ? tunnel : { ...tunnel, checksum: 'none' };
}

/** RFC 6040 between the families: the mark outside, inside, and what comes of them; undefined: dropped. */
const MARKS = [
  ['ce', 'notEct', undefined],
  ['ce', 'ect0', 'ce'],
  ['ect1', 'ect0', 'ect1'],
  ['ect0', 'ect1', 'ect1'],
  ['notEct', 'ce', 'ce'],
  ['ect1', 'ce', 'ce'],
] as const;

function markCases({ name, tunnel, outer, inner: family }: Mix): TunnelCase[] {
  return MARKS.map(([outside, inside, result]) => {
    const input = encapsulated(withTos(inner(family, 64), 0xb8 | ECN[inside]), {
      tunnel,
      outer,
      tos: 0x28 | ECN[outside],
    });
    const description = `${name}: ECN ${outside} over ${inside}`;
    if (result === undefined) return { description, tunnel, input, count: 'congestion' };
    const output = withTos(inner(family, 64), 0xb8 | ECN[result]);
    return { description, tunnel, input, output, count: 'decapsulated' };
  });
}

function withTos(packet: Uint8Array, tos: number): Uint8Array {
  if (versionOf(packet) === 4) return sumMended(edited(packet, (copy) => copy.fill(tos, 1, 2)));
  return edited(packet, (copy) => writeU16(copy, 0, 0x6000 | (tos << 4)));
}

function over(tunnel: Tunnel): Uint8Array {
  return encapsulated(inner(4, 64), { tunnel, outer: 4 });
}

/** With another word at an offset behind the outer header. */
function wordAt(packet: Uint8Array, offset: number, value: number): Uint8Array {
  return edited(packet, (copy) => writeU16(copy, 20 + offset, value));
}

/** Sound packets of the kind that is asked for, and yet none of ours: they are left as they are. */
function othersCases(): TunnelCase[] {
  const [ipip, gre, , gue, , remote] = TUNNELS as [Tunnel, Tunnel, Tunnel, Tunnel, Tunnel, Tunnel];
  const cases: [string, Tunnel, Uint8Array][] = [
    ['IPIP where GRE is asked for', gre, over(ipip)],
    ['IPIP where GUE is asked for', gue, over(ipip)],
    ['GRE where IPIP is asked for', ipip, over(gre)],
    ['UDP where IPIP is asked for', ipip, over(gue)],
    ['UDP where GRE is asked for', gre, over(gue)],
    ['GRE with a key', gre, wordAt(over(gre), 0, 0x2000)],
    ['GRE with a sequence number', gre, wordAt(over(gre), 0, 0x1000)],
    ['GRE version 1 (PPTP)', gre, wordAt(over(gre), 0, 0x0001)],
    ['GRE around Ethernet', gre, wordAt(over(gre), 2, 0x6558)],
    ['UDP to another port', gue, wordAt(over(gue), 2, GUE_PORT + 1)],
    ['GUE variant 1', gue, wordAt(over(gue), 8, 0x4504)],
    ['a control message of GUE', gue, wordAt(over(gue), 8, 0x2004)],
    ['GUE around something else', gue, wordAt(over(gue), 8, 0x0006)],
    ['GUE with a flag that nobody knows', gue, wordAt(over(gue), 10, 2)],
    ['GUE with a private flag that nobody knows', gue, wordAt(over(remote), 12, 0x4000)],
    ['GUE with private flags cut off', gue, wordAt(over(remote), 8, 0x0004)],
    ['GUE with its remote checksum cut off', gue, wordAt(over(remote), 8, 0x0104)],
  ];
  return cases.map(([description, tunnel, input]) => ({ description, tunnel, input, output: input }));
}

/** Remote checksums that are nowhere in the inner packet's payload; the UDP checksum is left out. */
function optionCases(): TunnelCase[] {
  const tunnel = TUNNELS[5] as Tunnel & { type: 'gue' };
  const packet = inner(4, 64);
  const remote = edited(encapsulated(packet, { tunnel, outer: 4 }), (copy) => writeU16(copy, 26, 0));
  const sumFrom = (start: number, at: number): Uint8Array =>
    edited(remote, (copy) => {
      writeU16(copy, 36, start);
      writeU16(copy, 38, at);
    });
  const places: [string, number, number][] = [
    ['over the inner header', 12, 26],
    ['in the inner header', 20, 16],
    ['before its own start', 28, 26],
    ['at the very end', 20, packet.length - 1],
    ['beyond the end', 0xfffe, 0xffff],
  ];
  return places.map(([place, start, at]) => ({
    description: `a remote checksum ${place}`,
    tunnel,
    input: sumFrom(start, at),
    count: 'malformed',
  }));
}

export const TUNNEL_CASES: readonly TunnelCase[] = [
  ...MIXES.flatMap(mixCases),
  ...MIXES.filter(({ tunnel }) => tunnel.type === 'ipip').flatMap(markCases),
  ...MIXES.filter(({ tunnel }) => tunnel.type === 'gue').flatMap(markCases),
  ...othersCases(),
  ...optionCases(),
];
