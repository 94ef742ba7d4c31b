// Captures IP packets of an interface by a filter in the kernel.
import koffi from 'koffi';
import type { IpFamily } from '../../net/address/ip-address.ts';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';
import { type Descriptor, openSocket, SOCK, SOL } from '../process/descriptor.ts';
import { AF } from './address-family.ts';

export interface IpCaptureFilter {
  /** Local ports of TCP and UDP; ICMP and fragments are captured as well. */
  readonly ports: { readonly first: number; readonly last: number };
  /** Interfaces whose packets are left out. */
  readonly without: readonly number[];
}

const ETHERTYPE: Readonly<Record<IpFamily, number>> = { 4: 0x0800, 6: 0x86dd };
const SO_ATTACH_FILTER = 26;
const PACKET_BYTES = 65_536;
const ADDRESS_BYTES = 20;
const INSTRUCTION_BYTES = 8;
/** include/uapi/linux/filter.h */
const OP = {
  loadByte: 0x30,
  loadHalf: 0x28,
  loadWord: 0x20,
  loadHalfAtX: 0x48,
  headerLengthToX: 0xb1,
  equal: 0x15,
  greater: 0x25,
  greaterOrEqual: 0x35,
  anyBit: 0x45,
  end: 0x06,
} as const;
const IF_INDEX = 0xfffff008;
const ALL = 0xffff;

/** Packets that come to this host, of one family, from the IP header on: copies, of which the host's stack has its own. */
export class IpCapture implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #family: IpFamily;
  readonly #buffer: Uint8Array = new Uint8Array(PACKET_BYTES);

  constructor(family: IpFamily, filter: IpCaptureFilter) {
    this.#family = family;
    // The socket has no protocol yet, so that nothing arrives before the filter is attached.
    this.#descriptor = openSocket('IP capture', { domain: AF.packet, type: SOCK.datagram, protocol: 0 });
    try {
      this.setFilter(filter);
      const address = Buffer.alloc(ADDRESS_BYTES);
      address.writeUInt16LE(AF.packet, 0);
      address.writeUInt16BE(ETHERTYPE[family], 2);
      checked(`capture IPv${family}`, libc.bind(this.#descriptor.fd, address, address.length));
    } catch (error) {
      this.#descriptor.close();
      throw error;
    }
  }

  setFilter(filter: IpCaptureFilter): void {
    const program = encode(this.#family === 4 ? ipv4Filter(filter) : ipv6Filter(filter));
    const header = Buffer.alloc(16);
    header.writeUInt16LE(program.length / INSTRUCTION_BYTES, 0);
    header.writeBigUInt64LE(koffi.address(program), 8);
    this.#descriptor.setOption(SOL.socket, SO_ATTACH_FILTER, header);
  }

  /** The next packet, valid until the next read; undefined when there is none now. */
  read(): Uint8Array | undefined {
    const length = this.#descriptor.receive(this.#buffer);
    return length === undefined ? undefined : this.#buffer.subarray(0, length);
  }

  onReadable(listener: () => void): void {
    this.#descriptor.onReadable(listener);
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}

type Target = 'next' | 'accept' | 'drop';
type Instruction = readonly [code: number, k: number, whenTrue?: Target, whenFalse?: Target];

function ipv4Filter({ ports, without }: IpCaptureFilter): Instruction[] {
  return [
    ...unlessFrom(without),
    [OP.loadByte, 9],
    [OP.equal, 1, 'accept', 'next'],
    [OP.loadHalf, 6],
    [OP.anyBit, 0x1fff, 'accept', 'next'],
    [OP.headerLengthToX, 0],
    [OP.loadHalfAtX, 2],
    ...within(ports),
  ];
}

function ipv6Filter({ ports, without }: IpCaptureFilter): Instruction[] {
  return [
    ...unlessFrom(without),
    [OP.loadByte, 6],
    [OP.equal, 58, 'accept', 'next'],
    [OP.equal, 44, 'accept', 'next'],
    [OP.loadHalf, 42],
    ...within(ports),
  ];
}

function unlessFrom(indices: readonly number[]): Instruction[] {
  return [[OP.loadWord, IF_INDEX], ...indices.map((index): Instruction => [OP.equal, index, 'drop', 'next'])];
}

function within({ first, last }: IpCaptureFilter['ports']): Instruction[] {
  return [
    [OP.greaterOrEqual, first, 'next', 'drop'],
    [OP.greater, last, 'drop', 'accept'],
  ];
}

/** Behind the instructions: accept, then drop. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const all: Instruction[] = [...instructions, [OP.end, ALL], [OP.end, 0]];
  const bytes = Buffer.alloc(all.length * INSTRUCTION_BYTES);
  const places = { accept: instructions.length, drop: instructions.length + 1 };
  for (const [at, [code, k, whenTrue = 'next', whenFalse = 'next']] of all.entries()) {
    const skip = (to: Target): number => (to === 'next' ? 0 : places[to] - at - 1);
    bytes.writeUInt16LE(code, at * INSTRUCTION_BYTES);
    bytes.writeUInt8(skip(whenTrue), at * INSTRUCTION_BYTES + 2);
    bytes.writeUInt8(skip(whenFalse), at * INSTRUCTION_BYTES + 3);
    bytes.writeUInt32LE(k, at * INSTRUCTION_BYTES + 4);
  }
  return bytes;
}
