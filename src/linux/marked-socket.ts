import type { Ipv4Address } from '../net/ipv4-address.ts';
import { AF } from './address-family.ts';
import { type Descriptor, openSocket, SOL } from './descriptor.ts';
import { checked } from './errno.ts';
import { libc } from './libc.ts';
import { socketAddress } from './raw-socket.ts';

export interface MarkedSocketOptions {
  /** Named in errors: `marked TCP socket`. */
  readonly name: string;
  readonly type: number;
  readonly protocol: number;
  /** By which policy routing can tell its packets; undefined: as any other's. */
  readonly mark: number | undefined;
  /** The local address; undefined: as routing has it. */
  readonly source: Ipv4Address | undefined;
}

const SO_MARK = 36;
const ADDRESS_BYTES = 16;
const PORT_AT = 2;
const ANY = 0 as Ipv4Address;

/** An IPv4 socket that is bound to a port of its own, known before the first packet leaves. */
export function openMarkedSocket(options: MarkedSocketOptions): {
  readonly descriptor: Descriptor;
  readonly localPort: number;
} {
  const { name, type, protocol, mark, source } = options;
  const descriptor = openSocket(name, { domain: AF.inet, type, protocol });
  try {
    if (mark !== undefined) descriptor.setOption(SOL.socket, SO_MARK, mark);
    const address = socketAddress(source ?? ANY, 0);
    checked(`bind a ${name}`, libc.bind(descriptor.fd, address, address.length));
    const bound = Buffer.alloc(ADDRESS_BYTES);
    const length = Uint8Array.of(ADDRESS_BYTES, 0, 0, 0);
    checked(`read the port of a ${name}`, libc.getsockname(descriptor.fd, bound, length));
    return { descriptor, localPort: bound.readUInt16BE(PORT_AT) };
  } catch (error) {
    descriptor.close();
    throw error;
  }
}
