import type { Action, GoldenTunnel } from '../../../../golden/ipvs/golden.ts';
import { toHex } from '../../../../golden/ipvs/hex.ts';
import { DF, icmpPacket, ipPacket, type TransportOptions, tcpPacket } from '../raw-packet.ts';
import type { GoldenSet, ScenarioInput } from './scenario-input.ts';
import { ACK_PSH, FAMILIES, type Family, openTo, tunnelHeader } from './tunnel-packets.ts';

const KINDS: readonly GoldenTunnel[] = [
  { type: 'ipip' },
  { type: 'gre', checksum: 'nocsum' },
  { type: 'gue', port: 5555, checksum: 'nocsum' },
];
const MIXES = [
  ['v4', 'v4'],
  ['v6', 'v4'],
  ['v4', 'v6'],
  ['v6', 'v6'],
] as const;
const PORT = 40_000;

interface IcmpError {
  readonly type: number;
  readonly code: number;
  readonly rest?: number;
}

/** What clients' side says of a real's answer: with an MTU of 1400 where there is one. */
const ERRORS: Readonly<Record<Family, readonly IcmpError[]>> = {
  v4: [
    { type: 3, code: 1 },
    { type: 3, code: 3 },
    { type: 3, code: 4, rest: 1400 },
    { type: 4, code: 0 },
    { type: 5, code: 1, rest: 0x0a000001 },
    { type: 11, code: 0 },
    { type: 12, code: 0 },
  ],
  v6: [
    { type: 1, code: 0 },
    { type: 1, code: 4 },
    { type: 2, code: 0, rest: 1400 },
    { type: 3, code: 0 },
    { type: 4, code: 1 },
  ],
};
const TOO_BIG = {
  v4: { type: 3, code: 4, rest: 1300 },
  v6: { type: 2, code: 0, rest: 1300 },
} as const;
const UNREACHABLE = { v4: { type: 3, code: 1 }, v6: { type: 1, code: 3 } } as const;
/** Over IPv4 an error need not quote more than the ports. */
const SHORTEST_QUOTE = { v4: 28, v6: 48 } as const;

export const ERRORS_SET: GoldenSet = {
  description:
    'ICMP errors: from the side of clients about answers of the real, and from the path to the real',
  scenarios: KINDS.flatMap((tunnel, kind) =>
    MIXES.flatMap(([inner, outer], mix) => [
      fromClients({ tunnel, inner, outer }),
      // Its own real: the path's MTU is remembered.
      fromPath({
        tunnel,
        inner,
        outer,
        real: `${outer === 'v4' ? '10.0.9.' : '2001:db8:9::'}${10 * kind + mix}`,
      }),
    ]),
  ),
};

interface Setting {
  readonly tunnel: GoldenTunnel;
  readonly inner: Family;
  readonly outer: Family;
}

function fromClients(setting: Setting): ScenarioInput {
  const { inner } = setting;
  const { client, vip, router } = FAMILIES[inner];
  const answer = tcpPacket({
    source: vip,
    destination: client,
    sourcePort: 80,
    destinationPort: PORT,
    dataBytes: 100,
  });
  const about = (error: IcmpError, quoted: Uint8Array): Action =>
    send(icmpPacket({ source: router, destination: vip, fragment: 0 }, error, quoted));
  const [first] = ERRORS[inner] as [IcmpError];
  const ofNobody = tcpPacket({ source: vip, destination: client, sourcePort: 80, destinationPort: PORT + 1 });
  return {
    ...tcpTo(setting),
    name: `${nameOf(setting)}: from the side of clients`,
    steps: [
      send(client2vip(inner)),
      ...ERRORS[inner].map((error) => about(error, answer)),
      about(first, answer.subarray(0, SHORTEST_QUOTE[inner])),
      about(first, ofNobody),
    ],
  };
}

function fromPath(setting: Setting & { readonly real: string }): ScenarioInput {
  const { inner, outer, tunnel, real } = setting;
  const { director, router } = FAMILIES[outer];
  const small = client2vip(inner, { flags: ACK_PSH, dataBytes: 100 });
  const sent = ipPacket(
    { source: director, destination: real, ttl: 63, id: 0 },
    ...tunnelHeader(tunnel, { inner, packet: small }),
  );
  const about = (error: IcmpError, quoted: Uint8Array): Action =>
    send(icmpPacket({ source: router, destination: director, fragment: 0 }, error, quoted));
  const big = (fragment: number): Action =>
    send(client2vip(inner, { flags: ACK_PSH, dataBytes: 1340, fragment }));
  return {
    ...tcpTo(setting),
    name: `${nameOf(setting)}: from the path`,
    steps: [
      send(client2vip(inner)),
      big(DF),
      about(UNREACHABLE[outer], sent),
      about(TOO_BIG[outer], sent.subarray(0, SHORTEST_QUOTE[outer])),
      big(DF),
      about(TOO_BIG[outer], sent),
      big(DF),
      big(DF),
      ...(inner === 'v4' ? [big(0)] : []),
      about(TOO_BIG[outer], sent),
      big(DF),
    ],
  };
}

function tcpTo(setting: Setting): Omit<ScenarioInput, 'name' | 'steps'> {
  const { vip } = FAMILIES[setting.inner];
  return { ...openTo(setting), service: { protocol: 'tcp', vip, port: 80, scheduler: 'rr' } };
}

function client2vip(family: Family, options: Partial<TransportOptions> = {}): Uint8Array {
  const { client, vip } = FAMILIES[family];
  return tcpPacket({ source: client, destination: vip, sourcePort: PORT, destinationPort: 80, ...options });
}

function nameOf({ tunnel, inner, outer }: Setting): string {
  return `${tunnel.type}, IP${inner} in IP${outer}`;
}

function send(packet: Uint8Array): Action {
  return { packets: [toHex(packet)] };
}
