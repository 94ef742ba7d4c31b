import type { Action, GoldenTunnel } from '../../../../golden/ipvs/golden.ts';
import { toHex } from '../../../../golden/ipvs/hex.ts';
import { IPV6_HEADER_BYTES, type TransportOptions, tcpPacket, udpPacket } from '../raw-packet.ts';
import type { GoldenSet, ScenarioInput } from './scenario-input.ts';
import { ACK_PSH, FAMILIES, type Family, openTo } from './tunnel-packets.ts';

const MTU = 1500;
const TCP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;

interface Kind {
  readonly tunnel: GoldenTunnel;
  /** Between outer header and inner packet. */
  readonly bytes: number;
}

const KINDS: readonly Kind[] = [
  { tunnel: { type: 'ipip' }, bytes: 0 },
  { tunnel: { type: 'gre', checksum: 'nocsum' }, bytes: 4 },
  { tunnel: { type: 'gre', checksum: 'csum' }, bytes: 8 },
  { tunnel: { type: 'gue', port: 5555, checksum: 'nocsum' }, bytes: 12 },
  { tunnel: { type: 'gue', port: 5555, checksum: 'csum' }, bytes: 12 },
  // Only a checksum that is left to the device to finish is made a remote one, which takes eight bytes.
  { tunnel: { type: 'gue', port: 5555, checksum: 'remcsum' }, bytes: 12 },
];
const MIXES = [
  ['v4', 'v4'],
  ['v6', 'v4'],
  ['v4', 'v6'],
  ['v6', 'v6'],
] as const;

export const TUNNELS: GoldenSet = {
  description:
    'The bytes that leave, for each kind of tunnel, checksum and mix of families, and when they are too big',
  scenarios: KINDS.flatMap((kind) => MIXES.map(([inner, outer]) => scenario(kind, inner, outer))),
};

function scenario({ tunnel, bytes }: Kind, inner: Family, outer: Family): ScenarioInput {
  const fits = MTU - FAMILIES[outer].headerBytes - bytes;
  const name = [tunnel.type, tunnel.checksum].filter((part) => part !== undefined).join(' ');
  return {
    ...openTo({ inner, outer, tunnel }),
    name: `${name}, IP${inner} in IP${outer}`,
    steps: [...smallPackets(inner), ...bigPackets(inner, fits)],
  };
}

function smallPackets(inner: Family): Action[] {
  const { client, vip } = FAMILIES[inner];
  const ends = { source: client, destination: vip, destinationPort: 80 };
  const tcp = (sourcePort: number, options: Partial<TransportOptions> = {}): Action =>
    packets(tcpPacket({ ...ends, sourcePort, ...options }));
  const udp = (sourcePort: number, options: Partial<TransportOptions> = {}): Action =>
    packets(udpPacket({ ...ends, sourcePort, ...options }));
  const steps = [
    tcp(40_000),
    tcp(40_000, { flags: ACK_PSH, dataBytes: 10, tos: 0xba }),
    tcp(40_000, { flags: ACK_PSH, dataBytes: 11, tos: 0x03, ttl: 2 }),
    udp(40_001, { dataBytes: 11, tos: 0x01, ttl: 255 }),
    tcp(40_002, { ttl: 1 }),
  ];
  if (inner === 'v6') return [...steps, tcp(40_003, { flowLabel: 0x54321 })];
  return [
    ...steps,
    tcp(40_003, { fragment: 0 }),
    tcp(40_004, { fragment: 0, id: 0 }),
    udp(40_005, { dataBytes: 10, noChecksum: true }),
  ];
}

/** As big as fits, one byte more, and as big as the link takes; over IPv4 without DF too. */
function bigPackets(inner: Family, fits: number): Action[] {
  const { client, vip, headerBytes } = FAMILIES[inner];
  const ends = { source: client, destination: vip, destinationPort: 80 };
  const tcp = (totalBytes: number, options: Partial<TransportOptions> = {}): Action => {
    const dataBytes = totalBytes - headerBytes - TCP_HEADER_BYTES;
    return packets(tcpPacket({ ...ends, sourcePort: 40_000, flags: ACK_PSH, dataBytes, ...options }));
  };
  const udp = (totalBytes: number, options: Partial<TransportOptions> = {}): Action => {
    const dataBytes = totalBytes - headerBytes - UDP_HEADER_BYTES;
    return packets(udpPacket({ ...ends, sourcePort: 40_001, dataBytes, ...options }));
  };
  const steps = [tcp(fits), tcp(fits + 1), tcp(MTU), udp(fits + 1)];
  if (headerBytes === IPV6_HEADER_BYTES) return steps;
  return [
    ...steps,
    tcp(fits, { fragment: 0 }),
    tcp(fits + 1, { fragment: 0 }),
    tcp(MTU, { fragment: 0 }),
    udp(fits + 1, { fragment: 0 }),
  ];
}

function packets(...list: readonly Uint8Array[]): Action {
  return { packets: list.map(toHex) };
}
