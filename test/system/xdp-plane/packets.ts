import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { isFault } from '../../../src/net/fault.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE, parseEthernet } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';

export const CLIENT: ReturnType<typeof ipv4> = ipv4('198.51.100.2');
export const VIP: ReturnType<typeof ipv4> = ipv4('192.0.2.10');
export const DIRECTOR: ReturnType<typeof ipv4> = ipv4('10.0.0.2');
export const REAL: ReturnType<typeof ipv4> = ipv4('10.0.1.2');

const ends = { source: CLIENT, destination: VIP };

/** An IPv4 packet as it was captured, and the frame around it. */
export interface Captured {
  readonly frame: Uint8Array;
  readonly packet: Uint8Array;
  readonly header: Ipv4Header;
}

export function tcp(
  sourcePort: number,
  options: { flags?: number; data?: number; df?: boolean } = {},
): Uint8Array {
  const segment = buildTcp({
    ...ends,
    sourcePort,
    destinationPort: 80,
    flags: options.flags ?? TCP_FLAGS.syn,
    payload: new Uint8Array(options.data ?? 0).fill(0x61),
  });
  return buildIpv4({ ...ends, protocol: PROTOCOL.tcp, id: 7, dontFragment: options.df ?? true }, segment);
}

export function udp(sourcePort: number, payload: Uint8Array): Uint8Array {
  const datagram = buildUdp({ ...ends, sourcePort, destinationPort: 53, payload });
  return buildIpv4({ ...ends, protocol: PROTOCOL.udp, id: 9 }, datagram);
}

/** The packets that have come to an interface since the last call. */
export function drain(socket: PacketSocket): Captured[] {
  const packets: Captured[] = [];
  for (let captured = socket.receive(); captured !== undefined; captured = socket.receive()) {
    const { frame, outgoing } = captured;
    const ethernet = parseEthernet(frame);
    if (outgoing || isFault(ethernet) || ethernet.etherType !== ETHERTYPE.ipv4) continue;
    const header = parseIpv4Header(frame, ETHERNET_HEADER_BYTES);
    if (isFault(header)) continue;
    const packet = frame.subarray(ETHERNET_HEADER_BYTES, ETHERNET_HEADER_BYTES + header.totalLength);
    packets.push({ frame, packet, header });
  }
  return packets;
}

/** Waits for as many packets as are wanted; `what` is said when they do not come. */
export async function receive(
  socket: PacketSocket,
  what: { readonly protocol: number; readonly count?: number; readonly withinMs?: number },
): Promise<Captured[]> {
  const wanted = what.count ?? 1;
  const found: Captured[] = [];
  for (const end = Date.now() + (what.withinMs ?? 3000); Date.now() < end; ) {
    found.push(...drain(socket).filter(({ header }) => header.protocol === what.protocol));
    if (found.length >= wanted) return found;
    await delay(2);
  }
  throw new Error(`${found.length} of ${wanted} packets of protocol ${what.protocol} came`);
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
