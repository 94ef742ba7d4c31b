import { existsSync } from 'node:fs';
import {
  closeMaps,
  type ImageMaps,
  type MappedImage,
  mapImage,
  mapSizes,
  mapsOf,
} from '../../src/dataplane/xdp/pins/pinned-maps.ts';
import type { ImageCapacity, ImageMemory } from '../../src/forwarding/image/tables/memory.ts';
import { type BpfProgram, type TestResult, XDP_VERDICT } from '../../src/linux/bpf/bpf-program.ts';
import { openBpfObject } from '../../src/linux/bpf/object.ts';

export const DIRECTOR_OBJECT = 'build/bpf/director.bpf.o';

/** Why the built program cannot be run here; undefined when it can. */
export function whyNotLoadable(): string | undefined {
  if (process.getuid?.() !== 0) return 'not root';
  if (!existsSync(DIRECTOR_OBJECT)) return `${DIRECTOR_OBJECT} is not built`;
  return undefined;
}

/** The interface that test frames come in by: loopback, where BPF_PROG_TEST_RUN has them come from. */
export const INGRESS_IF_INDEX = 1;

/** What the program did with a frame, the slow path's interface being unset: then it drops what it would hand over. */
export type FastVerdict = 'sent' | 'handed over' | 'passed';

export interface FastResult {
  readonly verdict: FastVerdict;
  /** The interface that it was sent back out of is the one it came in by. */
  readonly reflected: boolean;
  readonly frame: Uint8Array;
}

/** The built fast path in the kernel, attached to nothing, and its image. */
export class LoadedDirector implements Disposable {
  readonly program: BpfProgram;
  readonly #maps: ImageMaps;
  readonly #image: MappedImage;

  constructor(capacity: ImageCapacity, objectPath: string = DIRECTOR_OBJECT) {
    using object = openBpfObject(objectPath, { mapSizes: mapSizes(capacity) });
    this.program = object.program('director');
    this.#maps = mapsOf(object);
    this.#image = mapImage(this.#maps);
  }

  get memory(): ImageMemory {
    return this.#image.memory;
  }

  get checkWords(): ArrayBuffer {
    return this.#image.checkWords;
  }

  run(frame: Uint8Array): FastResult {
    const result = this.program.testRun({ data: frame });
    return { verdict: verdictOf(result), reflected: result.verdict === XDP_VERDICT.tx, frame: result.data };
  }

  /** `packets`, `bytes` and `connections` of each real up to an index, summed over CPUs. */
  counters(reals: number): BigUint64Array {
    return this.#image.counters.sumOverCpus(reals);
  }

  zeroCounters(real: number): void {
    this.#image.counters.clearOverCpus(real);
  }

  /** As new, but for the counters. */
  clear(): void {
    for (const buffer of Object.values(this.memory)) new Uint8Array(buffer).fill(0);
  }

  [Symbol.dispose](): void {
    this.#image[Symbol.dispose]();
    closeMaps(this.#maps);
    this.program[Symbol.dispose]();
  }
}

function verdictOf({ verdict }: TestResult): FastVerdict {
  if (verdict === XDP_VERDICT.pass) return 'passed';
  if (verdict === XDP_VERDICT.drop) return 'handed over';
  if (verdict === XDP_VERDICT.tx || verdict === XDP_VERDICT.redirect) return 'sent';
  throw new Error(`the fast path ended with verdict ${verdict}`);
}
