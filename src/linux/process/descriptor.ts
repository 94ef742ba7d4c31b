// File descriptors that Node has no class for.
import koffi from 'koffi';
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { checked, errnoName, kernelError } from '../errno.ts';
import { libc } from '../libc.ts';

/** A file descriptor that Node has no class for; closed by `using` or `close()`. */
export class Descriptor implements Disposable {
  readonly fd: number;
  readonly #name: string;
  #poll: ReturnType<typeof koffi.node.poll> | undefined;
  #closed = false;

  constructor(fd: number, name: string) {
    this.fd = fd;
    this.#name = name;
  }

  /** The bytes read, 0 at the end; undefined when nothing is there yet (non-blocking descriptors). */
  read(buffer: Uint8Array): number | undefined {
    return this.#transferred('read', libc.read(this.fd, buffer, buffer.length));
  }

  /** Writes bytes; undefined when the kernel has no room at the moment. */
  write(bytes: Uint8Array): number | undefined {
    return this.#transferred('write', libc.write(this.fd, bytes, bytes.length));
  }

  receive(buffer: Uint8Array, flags = 0): number | undefined {
    return this.#transferred('receive', libc.recv(this.fd, buffer, buffer.length, flags));
  }

  /** Receives by a `struct msghdr`, which the kernel also writes to. */
  receiveMessage(message: Uint8Array): number | undefined {
    return this.#transferred('receive', libc.recvmsg(this.fd, message, 0));
  }

  send(bytes: Uint8Array, address: Uint8Array | null = null): number | undefined {
    const length = address?.length ?? 0;
    return this.#transferred('send', libc.sendto(this.fd, bytes, bytes.length, 0, address, length));
  }

  setOption(level: number, option: number, value: number | Uint8Array): void {
    const bytes = typeof value === 'number' ? int32(value) : value;
    checked(
      `set option ${option} of ${this.#name}`,
      libc.setsockopt(this.fd, level, option, bytes, bytes.length),
    );
  }

  /**
   * Calls `listener` once per turn of the event loop while there is something to read. Does not keep the process alive
   * by itself.
   */
  onReadable(listener: () => void): void {
    // koffi calls back outside of Node's callback scope, where promises would not settle; an immediate runs in the same
    // turn of the loop, before the descriptor is polled again.
    const deliver = (): void => {
      if (!this.#closed) listener();
    };
    this.#poll = koffi.node.poll(this.fd, { readable: true }, () => setImmediate(deliver));
    this.#poll.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll?.close();
    libc.close(this.fd);
  }

  /** Leaves the descriptor open for whoever has taken it over. */
  release(): number {
    this.#closed = true;
    return this.fd;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #transferred(verb: string, result: number): number | undefined {
    if (result >= 0) return result;
    const errno = koffi.errno();
    const name = errnoName(errno);
    if (name === 'EAGAIN' || name === 'EINTR') return undefined;
    throw kernelError(`${verb} ${this.#name}`, errno);
  }
}

export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  readonly blocking?: boolean;
  /** True: the spare descriptors are not for it. */
  readonly spares?: boolean;
}

export const SOCK = { stream: 1, datagram: 2, raw: 3 } as const;
export const SOL = { ip: 0, socket: 1, ipv6: 41, raw: 255, packet: 263, netlink: 270 } as const;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

export function openSocket(name: string, kind: SocketKind): Descriptor {
  const flags = SOCK_CLOEXEC | (kind.blocking === true ? 0 : SOCK_NONBLOCK);
  const open = (): number =>
    checked(`open ${name}`, libc.socket(kind.domain, kind.type | flags, kind.protocol));
  return new Descriptor(kind.spares === true ? open() : withSpareDescriptors(open), name);
}

export function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return bytes;
}
