// Sockets that are bound to an address, an interface or a mark.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { type Descriptor, openSocket, SOL } from '../process/descriptor.ts';
import { kernelFamilyOf } from './address-family.ts';
import { portOf, SOCKADDR_IN6_BYTES, socketAddress } from './socket-address.ts';

export interface BoundSocketOptions extends SocketSource {
  /** Named in errors: `bound TCP socket`. */
  readonly name: string;
  readonly type: number;
  readonly protocol: number;
}

/** The source of a socket's packets. */
export interface SocketSource {
  /** A mark by which policy routing recognises its packets; undefined: none. */
  readonly mark?: number | undefined;
  /** The local address, which the family goes by; 0.0.0.0 or ::, as routing has it. */
  readonly source: IpAddress;
  /** The local port; undefined: any that is free. */
  readonly port?: number | undefined;
  /** Name of the interface that its packets leave by. */
  readonly interface?: string | undefined;
}

const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;
const SO_MARK = 36;

/** An IP socket that is bound to a port of its own, known before the first packet leaves. */
export function openBoundSocket(options: BoundSocketOptions): {
  readonly descriptor: Descriptor;
  readonly localPort: number;
} {
  const { name, type, protocol, mark, source, port = 0 } = options;
  const descriptor = openSocket(name, { domain: kernelFamilyOf(source), type, protocol, spares: true });
  try {
    if (mark !== undefined) descriptor.setOption(SOL.socket, SO_MARK, mark);
    if (options.interface !== undefined) {
      descriptor.setOption(SOL.socket, SO_BINDTODEVICE, Buffer.from(`${options.interface}\0`));
    }
    // The former connection from a port that is named may not be forgotten yet.
    if (port !== 0) descriptor.setOption(SOL.socket, SO_REUSEADDR, 1);
    const address = socketAddress(source, port);
    checked(`bind a ${name}`, libc.bind(descriptor.fd, address, address.length));
    const bound = Buffer.alloc(SOCKADDR_IN6_BYTES);
    const length = Uint8Array.of(SOCKADDR_IN6_BYTES, 0, 0, 0);
    checked(`read the port of a ${name}`, libc.getsockname(descriptor.fd, bound, length));
    return { descriptor, localPort: portOf(bound) };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}
