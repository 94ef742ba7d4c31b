// Receives datagrams with their TTL and time.
import { type IpAddress, type IpFamily, ipFromBytes } from '../../net/address/ip-address.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { ANY_ADDRESS, kernelFamily } from './address-family.ts';
import { MessageBuffer } from './message-buffer.ts';
import { ipOf, socketAddress } from './socket-address.ts';

/** Valid until the next one is asked for. */
export interface ReceivedDatagram {
  readonly payload: Uint8Array;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** TTL or hop limit. */
  readonly hopLimit: number;
  /** Milliseconds since 1970, by the kernel, when it came; not when it was read. */
  readonly arrivedMs: number;
}

/** include/uapi/linux/in.h and in6.h, asm-generic/socket.h */
const IP = { ttl: 2, receivePacketInfo: 8, receiveTtl: 12 } as const;
const IPV6 = { only: 26, receivePacketInfo: 49, packetInfo: 50, receiveHopLimit: 51, hopLimit: 52 } as const;
const SO_TIMESTAMPNS = 35;
const SO_RCVBUFFORCE = 33;
const IN_ADDR_AT = 8;

/** The datagrams to one port of the machine, with what only `recvmsg` tells. */
export class UdpReceiver implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #family: IpFamily;
  readonly #message: MessageBuffer;

  /**
   * @param bufferBytes What the kernel keeps while nobody reads; longer datagrams than `payloadBytes` are cut.
   * @throws CulvertError KERNEL, EADDRINUSE where another program listens.
   */
  constructor(
    family: IpFamily,
    port: number,
    { bufferBytes, payloadBytes }: { readonly bufferBytes: number; readonly payloadBytes: number },
  ) {
    using opening = new DisposableStack();
    const kind = { domain: kernelFamily(family), type: SOCK.datagram, protocol: 0 };
    const descriptor = opening.use(openSocket('UDP receiver', kind));
    if (family === 6) descriptor.setOption(SOL.ipv6, IPV6.only, 1);
    const level = family === 4 ? SOL.ip : SOL.ipv6;
    const wanted =
      family === 4 ? [IP.receivePacketInfo, IP.receiveTtl] : [IPV6.receivePacketInfo, IPV6.receiveHopLimit];
    for (const option of wanted) descriptor.setOption(level, option, 1);
    descriptor.setOption(SOL.socket, SO_TIMESTAMPNS, 1);
    descriptor.setOption(SOL.socket, SO_RCVBUFFORCE, bufferBytes);
    const address = socketAddress(ANY_ADDRESS[family], port);
    checked(`listen on UDP port ${port}`, libc.bind(descriptor.fd, address, address.length));
    this.#descriptor = descriptor;
    this.#family = family;
    this.#message = new MessageBuffer({ dataBytes: payloadBytes });
    opening.move();
  }

  /** Returns the next datagram; undefined when there is none now. */
  receive(): ReceivedDatagram | undefined {
    const length = this.#message.receive(this.#descriptor);
    if (length === undefined) return undefined;
    const source = ipOf(this.#message.name, this.#family);
    let [destination, hopLimit, arrivedMs]: [IpAddress, number, number] = [ANY_ADDRESS[this.#family], 0, 0];
    for (const { level, type, data } of this.#message.controlMessages()) {
      if (level === SOL.socket && type === SO_TIMESTAMPNS) arrivedMs = timeOf(data);
      else if (level === SOL.ip && type === IP.ttl) hopLimit = data.readInt32LE(0);
      else if (level === SOL.ipv6 && type === IPV6.hopLimit) hopLimit = data.readInt32LE(0);
      else if (level === SOL.ip && type === IP.receivePacketInfo)
        destination = ipFromBytes(data.subarray(IN_ADDR_AT, IN_ADDR_AT + 4)) ?? destination;
      else if (level === SOL.ipv6 && type === IPV6.packetInfo)
        destination = ipFromBytes(data.subarray(0, 16)) ?? destination;
    }
    return { payload: this.#message.withHeadroom(length), source, destination, hopLimit, arrivedMs };
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

/** struct timespec */
function timeOf(data: Buffer): number {
  return Number(data.readBigInt64LE(0)) * 1000 + Number(data.readBigInt64LE(8)) / 1e6;
}
