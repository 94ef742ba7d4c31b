import type { Ipv4Address } from '../net/ipv4-address.ts';
import { AF } from './address-family.ts';
import { type Descriptor, int32, openSocket, SOCK, SOL } from './descriptor.ts';

const IPPROTO_ICMP = 1;
const IPPROTO_RAW = 255;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const SO_SNDBUFFORCE = 32;
const SEND_BYTES = 4 << 20;
const DATAGRAM_BYTES = 65_536;

/** Sends whole IPv4 packets, whatever their source address, as the kernel's routing has it. */
export class RawSender implements Disposable {
  readonly #descriptor: Descriptor;

  constructor() {
    this.#descriptor = openSocket('raw socket', { domain: AF.inet, type: SOCK.raw, protocol: IPPROTO_RAW });
    this.#descriptor.setOption(SOL.socket, SO_SNDBUFFORCE, SEND_BYTES);
  }

  /** False when the send buffer is full. @throws CulvertError KERNEL, such as EMSGSIZE or ENETUNREACH. */
  send(packet: Uint8Array, to: Ipv4Address): boolean {
    return this.#descriptor.send(packet, socketAddress(to, 0)) !== undefined;
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Receives the ICMP messages of some types, IP header included, that come to the machine's own addresses. */
export class IcmpReceiver implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #buffer: Uint8Array = new Uint8Array(DATAGRAM_BYTES);

  constructor(icmpTypes: readonly number[]) {
    this.#descriptor = openSocket('ICMP socket', { domain: AF.inet, type: SOCK.raw, protocol: IPPROTO_ICMP });
    this.#descriptor.setOption(
      SOL_RAW,
      ICMP_FILTER,
      int32(~icmpTypes.reduce((mask, type) => mask | (1 << type), 0)),
    );
  }

  /** Valid until the next call; undefined when there is none now. */
  receive(): Uint8Array | undefined {
    const length = this.#descriptor.receive(this.#buffer);
    return length === undefined ? undefined : this.#buffer.subarray(0, length);
  }

  onReadable(listener: () => void): void {
    this.#descriptor.onReadable(listener);
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** struct sockaddr_in */
export function socketAddress(address: Ipv4Address, port: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF.inet, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(address >>> 0, 4);
  return bytes;
}
