// The buffers of recvmsg(2): data, address and control messages.
import koffi from 'koffi';
import type { Descriptor } from '../process/descriptor.ts';
import { SOCKADDR_IN6_BYTES } from './socket-address.ts';

/** struct msghdr, struct iovec and struct cmsghdr of 64-bit machines */
const MESSAGE = {
  name: 0,
  nameLength: 8,
  vector: 16,
  vectorLength: 24,
  control: 32,
  controlLength: 40,
  bytes: 56,
};
const VECTOR = { base: 0, length: 8, bytes: 16 } as const;
const CONTROL = { length: 0, level: 8, type: 12, bytes: 16 } as const;
const CONTROL_SPACE = 128;

const VECTOR_AT = MESSAGE.bytes;
const NAME_AT = VECTOR_AT + VECTOR.bytes;
const CONTROL_AT = align(NAME_AT + SOCKADDR_IN6_BYTES);
const HEADROOM_AT = CONTROL_AT + CONTROL_SPACE;

export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Buffer;
}

/** The memory that `recvmsg` fills: a datagram, its sender, and control messages of the kernel. Reused for each datagram. */
export class MessageBuffer {
  /** An ArrayBuffer of its own does not move. */
  readonly #memory: Buffer;
  readonly #dataAt: number;

  /** @param headroomBytes Room that is kept in front of the data, for a header to be written there. */
  constructor({ dataBytes, headroomBytes = 0 }: { dataBytes: number; headroomBytes?: number }) {
    this.#dataAt = HEADROOM_AT + headroomBytes;
    const memory = Buffer.from(new ArrayBuffer(this.#dataAt + dataBytes));
    const base = koffi.address(memory);
    memory.writeBigUInt64LE(base + BigInt(NAME_AT), MESSAGE.name);
    memory.writeBigUInt64LE(base + BigInt(VECTOR_AT), MESSAGE.vector);
    memory.writeBigUInt64LE(1n, MESSAGE.vectorLength);
    memory.writeBigUInt64LE(base + BigInt(CONTROL_AT), MESSAGE.control);
    memory.writeBigUInt64LE(base + BigInt(this.#dataAt), VECTOR_AT + VECTOR.base);
    memory.writeBigUInt64LE(BigInt(dataBytes), VECTOR_AT + VECTOR.length);
    this.#memory = memory;
  }

  /** The bytes of the next datagram; undefined when there is none now. */
  receive(descriptor: Descriptor): number | undefined {
    this.#memory.writeUInt32LE(SOCKADDR_IN6_BYTES, MESSAGE.nameLength);
    this.#memory.writeBigUInt64LE(BigInt(CONTROL_SPACE), MESSAGE.controlLength);
    return descriptor.receiveMessage(this.#memory);
  }

  /** The sender's struct sockaddr_in or sockaddr_in6. */
  get name(): Buffer {
    return this.#memory.subarray(NAME_AT, NAME_AT + SOCKADDR_IN6_BYTES);
  }

  /** The headroom and `length` bytes of data behind it, valid until the next datagram; no Buffer, whose `slice()` is a view. */
  withHeadroom(length: number): Uint8Array {
    const { buffer, byteOffset } = this.#memory;
    return new Uint8Array(buffer, byteOffset + HEADROOM_AT, this.#dataAt - HEADROOM_AT + length);
  }

  *controlMessages(): Generator<ControlMessage> {
    const memory = this.#memory;
    const end = CONTROL_AT + Number(memory.readBigUInt64LE(MESSAGE.controlLength));
    for (let at = CONTROL_AT; at + CONTROL.bytes <= end; ) {
      const length = Number(memory.readBigUInt64LE(at + CONTROL.length));
      if (length < CONTROL.bytes || at + length > end) return;
      yield {
        level: memory.readInt32LE(at + CONTROL.level),
        type: memory.readInt32LE(at + CONTROL.type),
        data: memory.subarray(at + CONTROL.bytes, at + length),
      };
      at += align(length);
    }
  }
}

function align(length: number): number {
  return (length + 7) & ~7;
}
