import { type BpfObject, openBpfObject } from '../src/linux/bpf/object.ts';
import { errnoOf } from '../src/linux/errno.ts';
import { inNamespace } from '../src/linux/namespaces/namespace-thread.ts';

const OBJECT = 'build/bpf/traffic.bpf.o';
/** Bytes that struct generator of bpf/traffic.bpf.c holds of a frame; the rest of a frame is zero. */
const TEMPLATE_BYTES = 64;
const IF_INDEX_AT = TEMPLATE_BYTES;

/** Sends copies of a frame into a device as fast as one core can, each from the next client port. */
export class Generator implements Disposable {
  readonly #object: BpfObject;
  readonly #namespace: string;
  readonly #frame: Uint8Array;

  constructor(options: { readonly namespace: string; readonly ifIndex: number; readonly frame: Uint8Array }) {
    this.#namespace = options.namespace;
    this.#frame = options.frame;
    this.#object = openBpfObject(OBJECT);
    using map = this.#object.map('generator');
    using memory = map.mmap();
    const generator = new Uint8Array(memory.buffer);
    generator.set(options.frame.subarray(0, TEMPLATE_BYTES));
    new DataView(memory.buffer).setUint32(IF_INDEX_AT, options.ifIndex, true);
  }

  /** Returns when the last frame has been given to the device. */
  send(frames: number): void {
    this.#run('generate', frames);
  }

  /** The same from many clients: of the frame, the low half of the source has to be 0, and the IP ID 0xffff. */
  flood(frames: number): void {
    this.#run('flood', frames);
  }

  #run(name: 'generate' | 'flood', frames: number): void {
    using program = this.#object.program(name);
    try {
      inNamespace(this.#namespace, () => program.sendLive(this.#frame, frames));
    } catch (error) {
      // A signal, such as that of a child that has ended, makes it fewer.
      if (errnoOf(error) !== 'EINTR') throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#object[Symbol.dispose]();
  }
}
