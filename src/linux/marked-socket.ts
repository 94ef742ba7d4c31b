import type { IpAddress } from '../net/ip-address.ts';
import { kernelFamilyOf } from './address-family.ts';
import { type Descriptor, openSocket, SOL } from './descriptor.ts';
import { checked } from './errno.ts';
import { libc } from './libc.ts';
import { portOf, SOCKADDR_IN6_BYTES, socketAddress } from './socket-address.ts';

export interface MarkedSocketOptions {
  /** Named in errors: `marked TCP socket`. */
  readonly name: string;
  readonly type: number;
  readonly protocol: number;
  /** By which policy routing can tell its packets; undefined: as any other's. */
  readonly mark: number | undefined;
  /** The local address, which the family goes by; 0.0.0.0 or ::, as routing has it. */
  readonly source: IpAddress;
}

const SO_MARK = 36;

/** An IP socket that is bound to a port of its own, known before the first packet leaves. */
export function openMarkedSocket(options: MarkedSocketOptions): {
  readonly descriptor: Descriptor;
  readonly localPort: number;
} {
  const { name, type, protocol, mark, source } = options;
  const descriptor = openSocket(name, { domain: kernelFamilyOf(source), type, protocol });
  try {
    if (mark !== undefined) descriptor.setOption(SOL.socket, SO_MARK, mark);
    const address = socketAddress(source, 0);
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
