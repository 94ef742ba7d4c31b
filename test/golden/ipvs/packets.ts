import { type Ipv4Address, ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { writeU16, writeU32 } from '../../../src/net/bytes.ts';
import { TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { ipPacket, tcp, udp } from '../../unit/forwarding/forwarder/packets.ts';
import { type Action, flowNumbers, type Scenario } from './golden.ts';
import { fromHex } from './hex.ts';

const SCTP_PROTOCOL = 132;
const SCTP_COMMON_HEADER_BYTES = 12;
const SCTP_CHUNK_BYTES = 4;

/** Chunk types by RFC 9260, section 3.2. */
export const SCTP_CHUNKS: Readonly<Record<string, number>> = {
  DATA: 0,
  INIT: 1,
  'INIT ACK': 2,
  SACK: 3,
  HEARTBEAT: 4,
  'HEARTBEAT ACK': 5,
  ABORT: 6,
  SHUTDOWN: 7,
  'SHUTDOWN ACK': 8,
  ERROR: 9,
  'COOKIE ECHO': 10,
  'COOKIE ACK': 11,
  'SHUTDOWN COMPLETE': 14,
};

/** As much of a scenario as its packets are made of. */
type Described = Pick<Scenario, 'name' | 'service'> & Partial<Pick<Scenario, 'flows'>>;

/** The IP packets that a step sends, in order; none for a step that sends nothing. */
export function packetsOf(scenario: Described, action: Action): Uint8Array[] {
  if ('packets' in action) return action.packets.map(fromHex);
  if (!('send' in action)) return [];
  return flowNumbers(action.flows).map((n) => flowPacket(scenario, action, n));
}

function flowPacket(scenario: Described, step: { send: string; port?: number }, n: number): Uint8Array {
  const { flows, service } = scenario;
  if (flows === undefined) throw new Error(`${scenario.name}: no flows`);
  const ip = {
    source: later(flows.client, Math.floor(n / (flows.perClient ?? 1)) * (flows.clientStep ?? 0)),
    destination: later(service.vip, n % (flows.vipCount ?? 1)),
  };
  const sourcePort = flows.port + n * (flows.portStep ?? 0);
  const port = step.port ?? service.port;
  if (step.send === 'UDP') return udp(port, { sourcePort, ip });
  const chunk = SCTP_CHUNKS[step.send];
  return chunk === undefined
    ? tcp(port, { sourcePort, ip, flags: tcpFlags(step.send) })
    : ipPacket(SCTP_PROTOCOL, sctpPacket(sourcePort, port, chunk), ip);
}

function later(address: string, by: number): Ipv4Address {
  return (ipv4(address) + by) as Ipv4Address;
}

export function tcpFlags(names: string): number {
  return names.split('|').reduce((flags, name) => {
    const flag = TCP_FLAGS[name.toLowerCase() as keyof typeof TCP_FLAGS];
    if (flag === undefined) throw new Error(`no such TCP flag: ${name}`);
    return flags | flag;
  }, 0);
}

/** One chunk without a body. IPVS does not look at the checksum, which stays 0. */
export function sctpPacket(sourcePort: number, destinationPort: number, chunk: number): Uint8Array {
  const packet = new Uint8Array(SCTP_COMMON_HEADER_BYTES + SCTP_CHUNK_BYTES);
  writeU16(packet, 0, sourcePort);
  writeU16(packet, 2, destinationPort);
  writeU32(packet, 4, 1);
  packet[SCTP_COMMON_HEADER_BYTES] = chunk;
  writeU16(packet, SCTP_COMMON_HEADER_BYTES + 2, SCTP_CHUNK_BYTES);
  return packet;
}
