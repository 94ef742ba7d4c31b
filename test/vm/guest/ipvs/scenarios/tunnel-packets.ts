import { writeU16 } from '../../../../../src/net/bytes.ts';
import { ETHERTYPE } from '../../../../../src/net/headers/ethernet.ts';
import { TCP_FLAGS } from '../../../../../src/net/headers/tcp.ts';
import type { GoldenTunnel } from '../../../../golden/ipvs/golden.ts';
import { PROTOCOL } from '../raw-packet.ts';
import type { ScenarioInput } from './scenario-input.ts';

const GRE_BYTES = 4;
const UDP_BYTES = 8;
const GUE_BYTES = 4;
const GUE_SOURCE_PORT = 40_000;

export type Family = 'v4' | 'v6';

/** Who is who in each family; the real is the one of services that say nothing else. */
export const FAMILIES = {
  v4: {
    client: '198.51.100.7',
    vip: '192.0.2.10',
    director: '10.0.0.2',
    router: '10.0.0.1',
    real: '10.0.1.2',
    headerBytes: 20,
  },
  v6: {
    client: '2001:db8:ff::7',
    vip: '2001:db8::10',
    director: '2001:db8:0:1::2',
    router: '2001:db8:0:1::1',
    real: '2001:db8:1::2',
    headerBytes: 40,
  },
} as const;

export const ACK_PSH: number = TCP_FLAGS.ack | TCP_FLAGS.psh;

interface Service {
  readonly inner: Family;
  readonly outer: Family;
  readonly tunnel: GoldenTunnel;
  readonly real?: string;
}

/** A service of one real that takes whatever comes to its address: it is known by a mark. */
export function openTo({
  inner,
  outer,
  tunnel,
  real = FAMILIES[outer].real,
}: Service): Omit<ScenarioInput, 'name' | 'steps'> {
  const service = { protocol: 'tcp', vip: FAMILIES[inner].vip, port: 0, mark: 1, scheduler: 'rr' } as const;
  return { service, reals: [{ name: 'A', address: real, weight: 1, tunnel }], observe: ['bytes'] };
}

/** The outer protocol, and what stands behind the outer header: tunnels without checksums. */
export function tunnelHeader(
  { type, port = 0 }: GoldenTunnel,
  { inner, packet }: { readonly inner: Family; readonly packet: Uint8Array },
): [number, Uint8Array] {
  const protocol = inner === 'v4' ? PROTOCOL.ipip : PROTOCOL.ipv6;
  if (type === 'ipip') return [protocol, packet];
  const header = new Uint8Array(type === 'gre' ? GRE_BYTES : UDP_BYTES + GUE_BYTES);
  if (type === 'gre') {
    writeU16(header, 2, inner === 'v4' ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6);
    return [PROTOCOL.gre, Buffer.concat([header, packet])];
  }
  writeU16(header, 0, GUE_SOURCE_PORT);
  writeU16(header, 2, port);
  writeU16(header, 4, header.length + packet.length);
  // Version 0, no options, then the protocol that follows.
  header[UDP_BYTES + 1] = protocol;
  return [PROTOCOL.udp, Buffer.concat([header, packet])];
}
