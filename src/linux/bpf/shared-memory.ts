// Maps memory of the kernel into this process.
import koffi from 'koffi';
import { kernelError } from '../errno.ts';

const libc = koffi.load(null);

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

const mmap = libc.func(
  'void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)',
);
const munmap = libc.func('int munmap(void *at, size_t length)');

const PAGE_BYTES = 4096;

/** Kernel memory seen as an ArrayBuffer, until it is disposed of: then the buffer is detached, so that no use can fault. */
export class MappedMemory implements Disposable {
  readonly buffer: ArrayBuffer;
  readonly #address: bigint;
  readonly #length: number;

  constructor(address: bigint, bytes: number) {
    this.#address = address;
    this.#length = wholePages(bytes);
    this.buffer = koffi.view(address, bytes);
  }

  [Symbol.dispose](): void {
    if (this.buffer.detached) return;
    this.buffer.transfer(0);
    munmap(this.#address, this.#length);
  }
}

/** Maps the first `bytes` of a descriptor, shared and writable; `what` is for the error message. */
export function mapShared(what: string, fd: number, bytes: number): MappedMemory {
  const address = mmap(null, wholePages(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint;
  if (address === MAP_FAILED) throw kernelError(`map the memory of ${what}`, koffi.errno());
  return new MappedMemory(address, bytes);
}

function wholePages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
