import { createHash } from 'node:crypto';
import {
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CulvertError } from '../../errors.ts';
import type { ImageCapacity } from '../../forwarding/image/memory.ts';
import { openBpfObject } from '../../linux/bpf/object.ts';
import type { BpfProgram } from '../../linux/bpf/program.ts';
import { queryXdp } from '../../linux/bpf/query.ts';
import { XdpLink } from '../../linux/bpf/xdp-link.ts';
import { pinDirectory } from '../../linux/bpffs.ts';
import { errnoOf } from '../../linux/errno.ts';
import { occupiedError } from './occupant.ts';
import {
  closeMaps,
  type ImageMaps,
  type MappedImage,
  mapImage,
  mapSizes,
  mapsFit,
  mapsOf,
  openMaps,
  pinMaps,
  unpinDirectory,
} from './pinned-maps.ts';

/*
 * In /sys/fs/bpf/culvert/<instance>/:
 *   link            the program's attachment to the interface
 *   maps            symbolic link to the directory of the maps in use: maps-1, maps-2, ...
 *   build           symbolic link that leads nowhere; its text is the hash of the object file that the program is from
 * A change takes `build` away first and sets it last, so that a start after a crash in between loads the program anew,
 * over the maps that `maps` names. bpffs holds no plain files, but everything in it vanishes together.
 */
const PROGRAM = 'director';

export interface PinRequest {
  readonly instance: string;
  readonly interface: string;
  readonly ifIndex: number;
  readonly capacity: ImageCapacity;
  readonly objectPath: string;
  readonly warn: (message: string) => void;
}

/** How a start came to its program and maps; `pending`: the former ones forward until `commit`. */
export type TakeOver = 'fresh' | 'kept' | 'new-program' | 'pending';

/** The fast path: a program attached to an interface and the image that it reads, all pinned. */
export class PinnedFastPath implements Disposable {
  readonly image: MappedImage;
  readonly takeOver: TakeOver;
  readonly #maps: ImageMaps;
  readonly #link: XdpLink;
  readonly #directory: string;
  readonly #commit: (() => void) | undefined;

  constructor(parts: {
    readonly directory: string;
    readonly maps: ImageMaps;
    readonly link: XdpLink;
    readonly takeOver: TakeOver;
    readonly commit?: () => void;
  }) {
    this.#directory = parts.directory;
    this.#maps = parts.maps;
    this.#link = parts.link;
    this.#commit = parts.commit;
    this.takeOver = parts.takeOver;
    this.image = mapImage(parts.maps);
  }

  /** Puts a pending program in the place of the former one, once its image has been filled. Idempotent. */
  commit(): void {
    this.#commit?.();
  }

  /** Lets go of it; it goes on forwarding. */
  [Symbol.dispose](): void {
    this.image[Symbol.dispose]();
    closeMaps(this.#maps);
    this.#link[Symbol.dispose]();
  }

  /** Ends forwarding and takes the pins away. */
  remove(): void {
    this.#link.detach();
    this[Symbol.dispose]();
    removeInstance(this.#directory);
  }
}

/**
 * Attaches the fast path, or takes over what a former run left pinned without a packet noticing.
 * @throws CulvertError XDP_OCCUPIED, PERMISSION, KERNEL
 */
export function pinFastPath(request: PinRequest): PinnedFastPath {
  const object = readObject(request.objectPath);
  const directory = pinDirectory(request.instance);
  const build = createHash('sha256').update(object).digest('hex');
  const link = openLink(directory, request.ifIndex);
  if (link === undefined) return attach(request, { directory, object, build });
  removeStaleMaps(directory);
  const maps = openMaps(join(directory, 'maps'));
  if (maps === undefined || !mapsFit(maps, request.capacity)) {
    if (maps !== undefined) closeMaps(maps);
    return prepareReplacement(request, { directory, object, build }, link);
  }
  if (readText(join(directory, 'build')) === build) {
    return new PinnedFastPath({ directory, maps, link, takeOver: 'kept' });
  }
  using loaded = openBpfObject(object, { reuse: maps });
  using program = loaded.program(PROGRAM);
  replaceProgram({ directory, build, link, program });
  return new PinnedFastPath({ directory, maps, link, takeOver: 'new-program' });
}

/** Takes away what is pinned of an instance, whose forwarding ends. False when there was nothing. */
export function removePins(instance: string): boolean {
  const directory = pinDirectory(instance);
  const path = join(directory, 'link');
  const link = openIfThere(path);
  link?.detach();
  link?.[Symbol.dispose]();
  removeInstance(directory);
  return link !== undefined;
}

interface Build {
  readonly directory: string;
  readonly object: Uint8Array;
  readonly build: string;
}

function attach(request: PinRequest, { directory, object, build }: Build): PinnedFastPath {
  // Whatever is pinned is of no use: it is attached to nothing, or to another interface.
  removeInstance(directory);
  using loaded = openBpfObject(object, { mapSizes: mapSizes(request.capacity) });
  using program = loaded.program(PROGRAM);
  const link = attachProgram(request, directory, program);
  const maps = mapsOf(loaded);
  const fastPath = new PinnedFastPath({ directory, maps, link, takeOver: 'fresh' });
  try {
    pinDirectory(request.instance);
    pinMaps(maps, join(directory, 'maps-1'));
    symlinkSync('maps-1', join(directory, 'maps'));
    link.pin(join(directory, 'link'));
    symlinkSync(build, join(directory, 'build'));
    return fastPath;
  } catch (error) {
    fastPath.remove();
    throw error;
  }
}

function attachProgram(request: PinRequest, directory: string, program: BpfProgram): XdpLink {
  const occupant = queryXdp(request.ifIndex);
  if (occupant !== undefined) throw occupiedError(request.interface, occupant, directory);
  try {
    return XdpLink.create(program, request.ifIndex, 'native');
  } catch (error) {
    if (!(error instanceof CulvertError) || error.code !== 'KERNEL') throw error;
    const link = XdpLink.create(program, request.ifIndex, 'generic');
    request.warn(
      `${request.interface} does not take XDP in native mode (${error.message}); generic mode is slower, and merged ` +
        `packets go round the fast path: "ethtool -K ${request.interface} gro off" helps`,
    );
    return link;
  }
}

/** Loads the program over new maps beside the former ones, which forward until the new image has been filled. */
function prepareReplacement(
  request: PinRequest,
  { directory, object, build }: Build,
  link: XdpLink,
): PinnedFastPath {
  request.warn('the capacity or the layout has changed: remembered flows start anew');
  const loaded = openBpfObject(object, { mapSizes: mapSizes(request.capacity) });
  const program = loaded.program(PROGRAM);
  const maps = mapsOf(loaded);
  loaded[Symbol.dispose]();
  const name = freeMapsName(directory);
  pinMaps(maps, join(directory, name));
  let committed = false;
  const commit = (): void => {
    if (committed) return;
    committed = true;
    unlinkIfThere(join(directory, 'build'));
    symlinkSync(name, join(directory, 'maps-new'));
    renameSync(join(directory, 'maps-new'), join(directory, 'maps'));
    replaceProgram({ directory, build, link, program });
    program[Symbol.dispose]();
    removeStaleMaps(directory);
  };
  return new PinnedFastPath({ directory, maps, link, takeOver: 'pending', commit });
}

function replaceProgram(parts: {
  readonly directory: string;
  readonly build: string;
  readonly link: XdpLink;
  readonly program: BpfProgram;
}): void {
  unlinkIfThere(join(parts.directory, 'build'));
  parts.link.update(parts.program);
  symlinkSync(parts.build, join(parts.directory, 'build'));
}

/** The pinned link, if it is still attached to this interface; one that is not is let go. */
function openLink(directory: string, ifIndex: number): XdpLink | undefined {
  const link = openIfThere(join(directory, 'link'));
  if (link === undefined || link.info().ifIndex === ifIndex) return link;
  link[Symbol.dispose]();
  return undefined;
}

function openIfThere(path: string): XdpLink | undefined {
  try {
    return XdpLink.openPinned(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function removeInstance(directory: string): void {
  unpinDirectory(directory);
  try {
    rmdirSync(dirname(directory));
  } catch (error) {
    // Another instance has pins there, or has just taken its last ones away.
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Map directories that a start left behind which did not come to its commit. */
function removeStaleMaps(directory: string): void {
  unlinkIfThere(join(directory, 'maps-new'));
  const current = readText(join(directory, 'maps'));
  for (const name of readdirSync(directory)) {
    if (/^maps-\d+$/.test(name) && name !== current) unpinDirectory(join(directory, name));
  }
}

function freeMapsName(directory: string): string {
  const numbers = readdirSync(directory).map((name) => Number(/^maps-(\d+)$/.exec(name)?.[1] ?? 0));
  return `maps-${Math.max(...numbers) + 1}`;
}

function readText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function readObject(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CulvertError('UNSUPPORTED', 'the compiled fast path is missing: run "make bpf" (needs clang)', {
      where: path,
      cause,
    });
  }
}
