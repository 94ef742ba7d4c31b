// Sockets of a multicast group: one that receives from an interface, one that sends to it.
import { type IpAddress, ipBytes, isIpv4 } from '../../net/address/ip-address.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { type Descriptor, int32, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { kernelFamilyOf } from './address-family.ts';
import { MessageBuffer } from './message-buffer.ts';
import { ipOf, socketAddress } from './socket-address.ts';

/** A group, its UDP port, and the interface on which it is heard or sent to. */
export interface MulticastPlace {
  readonly group: IpAddress;
  readonly port: number;
  readonly ifIndex: number;
}

export interface MulticastDatagram {
  /** Valid until the next one is received. */
  readonly payload: Uint8Array;
  readonly source: IpAddress;
}

/** include/uapi/linux/in.h, in6.h; asm-generic/socket.h */
const IP = { interface: 32, ttl: 33, loop: 34, join: 35 } as const;
const IPV6 = { interface: 17, hops: 18, loop: 19, join: 20 } as const;
const SO = { reuseAddress: 2, bindToIfIndex: 62, receiveBufferForce: 33 } as const;

/** Receives what comes to a group on one interface. Several may listen to one group. */
export class MulticastReceiver implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #family: 4 | 6;
  readonly #message: MessageBuffer;

  /**
   * @param bufferBytes what the kernel keeps while nobody reads; longer datagrams than `payloadBytes` are cut
   * @throws CulvertError KERNEL, ENODEV for an interface that is gone
   */
  constructor(
    { group, port, ifIndex }: MulticastPlace,
    { bufferBytes, payloadBytes }: { readonly bufferBytes: number; readonly payloadBytes: number },
  ) {
    using opening = new DisposableStack();
    const descriptor = opening.use(openMulticast('multicast receiver', group));
    descriptor.setOption(SOL.socket, SO.reuseAddress, 1);
    descriptor.setOption(SOL.socket, SO.bindToIfIndex, ifIndex);
    descriptor.setOption(SOL.socket, SO.receiveBufferForce, bufferBytes);
    const address = socketAddress(group, port);
    checked(`listen to a group on UDP port ${port}`, libc.bind(descriptor.fd, address, address.length));
    if (isIpv4(group)) descriptor.setOption(SOL.ip, IP.join, requestOf(group, ifIndex));
    else descriptor.setOption(SOL.ipv6, IPV6.join, Buffer.concat([ipBytes(group), int32(ifIndex)]));
    this.#descriptor = descriptor;
    this.#family = isIpv4(group) ? 4 : 6;
    this.#message = new MessageBuffer({ dataBytes: payloadBytes });
    opening.move();
  }

  /** Returns the next datagram; undefined when there is none now. */
  receive(): MulticastDatagram | undefined {
    const length = this.#message.receive(this.#descriptor);
    if (length === undefined) return undefined;
    return {
      payload: this.#message.withHeadroom(length),
      source: ipOf(this.#message.name, this.#family),
    };
  }

  onReadable(listener: () => void): void {
    this.#descriptor.onReadable(listener);
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}

/** Sends to a group by one interface. The host itself does not get what is sent. */
export class MulticastSender implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #address: Uint8Array;

  /** @throws CulvertError KERNEL, ENODEV for an interface that is gone */
  constructor({ group, port, ifIndex }: MulticastPlace, hopLimit: number) {
    using opening = new DisposableStack();
    const descriptor = opening.use(openMulticast('multicast sender', group));
    if (isIpv4(group)) {
      descriptor.setOption(SOL.ip, IP.interface, requestOf(undefined, ifIndex));
      descriptor.setOption(SOL.ip, IP.ttl, hopLimit);
      descriptor.setOption(SOL.ip, IP.loop, 0);
    } else {
      descriptor.setOption(SOL.ipv6, IPV6.interface, ifIndex);
      descriptor.setOption(SOL.ipv6, IPV6.hops, hopLimit);
      descriptor.setOption(SOL.ipv6, IPV6.loop, 0);
    }
    this.#descriptor = descriptor;
    this.#address = socketAddress(group, port);
    opening.move();
  }

  /** Returns false when the kernel has no room now. @throws CulvertError KERNEL, such as ENETUNREACH */
  send(payload: Uint8Array): boolean {
    return this.#descriptor.send(payload, this.#address) !== undefined;
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}

function openMulticast(name: string, group: IpAddress): Descriptor {
  return openSocket(name, { domain: kernelFamilyOf(group), type: SOCK.datagram, protocol: 0 });
}

/** Returns a struct ip_mreqn. */
function requestOf(group: IpAddress | undefined, ifIndex: number): Uint8Array {
  const groupBytes = group === undefined ? new Uint8Array(4) : ipBytes(group);
  return Buffer.concat([groupBytes, new Uint8Array(4), int32(ifIndex)]);
}
