// A simulated host with its IP, TCP and UDP stacks.
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { readU16, readU32 } from '../../../net/bytes.ts';
import { internetChecksum } from '../../../net/checksum.ts';
import { buildIcmp, ICMP_CODE, ICMP_HEADER_BYTES, ICMP_TYPE, parseIcmp } from '../../../net/headers/icmp.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL, parseQuotedIpv4Header } from '../../../net/headers/ipv4.ts';
import { TcpStack } from '../transport/tcp-stack.ts';
import { UdpStack } from '../transport/udp-stack.ts';
import type { EventLoop } from './event-loop.ts';
import { IpStack } from './ip-stack.ts';

/** A smaller MTU than RFC 791 allows is a lie. */
const LEAST_MTU_BYTES = 68;

/** A node with TCP, UDP and ICMP: answers echo, and learns path MTUs from fragmentation needed. */
export class Host {
  readonly ip: IpStack;
  readonly tcp: TcpStack;
  readonly udp: UdpStack;
  readonly #echoes = new Map<number, (source: Ipv4Address) => void>();
  #lastEcho = 0;

  constructor(loop: EventLoop) {
    this.ip = new IpStack(loop);
    this.tcp = new TcpStack(this.ip);
    this.udp = new UdpStack(this.ip);
    this.ip.handle(PROTOCOL.icmp, (packet, header) => this.#receiveIcmp(packet, header));
  }

  /** Sends an echo request; `replied` hears who answered until `endPing`. */
  ping(destination: Ipv4Address, replied: (source: Ipv4Address) => void, mark?: number): number {
    this.#lastEcho = (this.#lastEcho + 1) % 0x1_0000;
    const identifier = this.#lastEcho;
    this.#echoes.set(identifier, replied);
    const request = buildIcmp({
      type: ICMP_TYPE.echoRequest,
      code: 0,
      rest: ((identifier << 16) | 1) >>> 0,
    });
    const source = this.ip.sourceAddressFor(destination) ?? (0 as Ipv4Address);
    this.ip.send(buildIpv4({ source, destination, protocol: PROTOCOL.icmp }, request), mark);
    return identifier;
  }

  endPing(identifier: number): void {
    this.#echoes.delete(identifier);
  }

  #receiveIcmp(packet: Uint8Array, ip: Ipv4Header): void {
    const message = packet.subarray(ip.headerBytes, ip.totalLength);
    const header = parseIcmp(message, 0);
    if (typeof header === 'string' || internetChecksum(message, 0, message.length) !== 0) return;
    const payload = message.subarray(ICMP_HEADER_BYTES);
    if (header.type === ICMP_TYPE.echoRequest) {
      const reply = buildIcmp({ type: ICMP_TYPE.echoReply, code: 0, rest: header.rest, payload });
      const ends = { source: ip.destination, destination: ip.source };
      this.ip.send(buildIpv4({ ...ends, protocol: PROTOCOL.icmp }, reply));
    } else if (header.type === ICMP_TYPE.echoReply) {
      this.#echoes.get(header.rest >>> 16)?.(ip.source);
    } else if (header.type === ICMP_TYPE.destinationUnreachable) {
      this.#unreachable(header.code, header.nextHopMtu, payload);
    }
  }

  #unreachable(code: number, mtuBytes: number, quoted: Uint8Array): void {
    const about = parseQuotedIpv4Header(quoted);
    if (typeof about === 'string' || !this.ip.isLocal(about.source)) return;
    const isTooBig = code === ICMP_CODE.fragmentationNeeded;
    const isNews =
      isTooBig && mtuBytes >= LEAST_MTU_BYTES && this.ip.learnPathMtu(about.destination, mtuBytes);
    const hasPorts = quoted.length >= about.headerBytes + 8;
    if (about.protocol === PROTOCOL.udp && hasPorts && !isTooBig) {
      this.udp.icmpError(readU16(quoted, about.headerBytes));
    }
    if (about.protocol !== PROTOCOL.tcp || !hasPorts || (isTooBig && !isNews)) return;
    const addresses = {
      local: about.source,
      localPort: readU16(quoted, about.headerBytes),
      remote: about.destination,
      remotePort: readU16(quoted, about.headerBytes + 2),
    };
    const sequence = readU32(quoted, about.headerBytes + 4);
    this.tcp.icmpError(isTooBig ? 'fragmentation-needed' : 'unreachable', addresses, sequence);
  }
}
