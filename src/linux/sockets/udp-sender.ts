// Sends datagrams from an address of choice.
import { type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';
import { checked, errnoOf } from '../errno.ts';
import { libc } from '../libc.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { kernelFamilyOf } from './address-family.ts';
import { socketAddress } from './socket-address.ts';

export interface UdpSenderOptions {
  /** 0.0.0.0 or ::, as routing has it. The family goes by it. */
  readonly source: IpAddress;
  /** Ports to try, one after the other, until one is free. */
  readonly ports: Iterable<number>;
  /** TTL or hop limit of what is sent. */
  readonly hopLimit: number;
}

const IP = { tos: 1, ttl: 2 } as const;
const IPV6 = { unicastHops: 16, trafficClass: 67 } as const;
const SO_RCVBUF = 8;
/** Class selector 6, network control (RFC 2474): what routers forward first. */
const NETWORK_CONTROL = 0xc0;

/** Sends datagrams from a port of its own. Datagrams to that port are not read. */
export class UdpSender implements Disposable {
  readonly #descriptor: Descriptor;

  /** @throws CulvertError KERNEL, EADDRINUSE when none of the ports is free, EADDRNOTAVAIL for a foreign source. */
  constructor({ source, ports, hopLimit }: UdpSenderOptions) {
    using opening = new DisposableStack();
    const kind = { domain: kernelFamilyOf(source), type: SOCK.datagram, protocol: 0 };
    const descriptor = opening.use(openSocket('UDP sender', kind));
    if (isIpv4(source)) {
      descriptor.setOption(SOL.ip, IP.ttl, hopLimit);
      descriptor.setOption(SOL.ip, IP.tos, NETWORK_CONTROL);
    } else {
      descriptor.setOption(SOL.ipv6, IPV6.unicastHops, hopLimit);
      descriptor.setOption(SOL.ipv6, IPV6.trafficClass, NETWORK_CONTROL);
    }
    descriptor.setOption(SOL.socket, SO_RCVBUF, 0);
    bindToFirstFree(descriptor, source, ports);
    this.#descriptor = descriptor;
    opening.move();
  }

  /** False when the kernel has no room now. @throws CulvertError KERNEL, such as ENETUNREACH. */
  send(payload: Uint8Array, to: IpAddress, port: number): boolean {
    return this.#descriptor.send(payload, socketAddress(to, port)) !== undefined;
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function bindToFirstFree(descriptor: Descriptor, source: IpAddress, ports: Iterable<number>): void {
  let taken: unknown;
  for (const port of ports) {
    const address = socketAddress(source, port);
    try {
      checked(`bind UDP port ${port}`, libc.bind(descriptor.fd, address, address.length));
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw error;
      taken = error;
    }
  }
  throw taken;
}
