// Loads the builds of the fast path, each when an interface needs it.
import type { ImageCapacity } from '../../../forwarding/image/tables/memory.ts';
import type { BpfProgram } from '../../../linux/bpf/bpf-program.ts';
import { openBpfObject } from '../../../linux/bpf/object.ts';
import { type ImageMaps, mapSizes, mapsOf } from './pinned-maps.ts';

/**
 * The two builds of the fast path: `finishing` also finishes checksums that a packet's sender left to a device
 * (bpf/finish-checksum.h), for interfaces that bring such packets.
 */
export type ProgramKind = 'plain' | 'finishing';

export type ObjectFiles = Readonly<Record<ProgramKind, Uint8Array>>;

const PROGRAM = 'director';

/** The programs of a build over one set of maps; each is loaded when it is first wanted, as that takes longest of all. */
export class FastPathPrograms implements Disposable {
  readonly #objects: ObjectFiles;
  readonly #maps: ImageMaps;
  readonly #loaded = new Map<ProgramKind, BpfProgram>();

  constructor(objects: ObjectFiles, maps: ImageMaps) {
    this.#objects = objects;
    this.#maps = maps;
  }

  /**
   * Creates programs with maps of their own, of that capacity. The program of `first` is loaded at once. @throws CulvertError
   * PERMISSION, KERNEL
   */
  static create(
    objects: ObjectFiles,
    capacity: ImageCapacity,
    first: ProgramKind,
  ): { readonly maps: ImageMaps; readonly programs: FastPathPrograms } {
    using object = openBpfObject(objects[first], { mapSizes: mapSizes(capacity) });
    const maps = mapsOf(object);
    const programs = new FastPathPrograms(objects, maps);
    programs.#loaded.set(first, object.program(PROGRAM));
    return { maps, programs };
  }

  /** Returns the program of a build. @throws CulvertError PERMISSION, KERNEL */
  of(kind: ProgramKind): BpfProgram {
    const known = this.#loaded.get(kind);
    if (known !== undefined) return known;
    using object = openBpfObject(this.#objects[kind], { reuse: this.#maps });
    const program = object.program(PROGRAM);
    this.#loaded.set(kind, program);
    return program;
  }

  [Symbol.dispose](): void {
    for (const program of this.#loaded.values()) program[Symbol.dispose]();
    this.#loaded.clear();
  }
}
