// Takes over the pinned fast path of an earlier run, or pins a new one.
import { createHash } from 'node:crypto';
import { readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageCapacity } from '../../../forwarding/image/tables/memory.ts';
import type { Drift } from '../drift-watch.ts';
import { VlanOffloads } from '../vips/vlan-offloads.ts';
import { FastPathPrograms, type ObjectFiles, type ProgramKind } from './fast-path-programs.ts';
import { freeMapsName, readObject, readText, removeInstance, repinMaps, unlinkIfThere } from './pin-files.ts';
import { clearPlace } from './pin-place.ts';
import { type AttachTarget, PinnedLinks, programKind } from './pinned-links.ts';
import {
  addMissing,
  closeMaps,
  hasOwnLayout,
  type ImageMaps,
  type MappedImage,
  mapImage,
  mapsFit,
  openMaps,
  pinMaps,
  unpinDirectory,
} from './pinned-maps.ts';
import { takeFromFormer } from './take-from-former.ts';

/*
 * In /sys/fs/bpf/culvert/<instance>/, beside what `PinPlace` signs it with:
 *   links           the program's attachments, by the interface's name
 *   maps            symbolic link to the directory of the maps in use: maps-1, maps-2, ...
 *   rxvlan          symbolic links that lead nowhere, named for the interfaces whose VLAN offload was switched off
 *   build           symbolic link that leads nowhere; its text is the hash of the object file that the program is from
 * A change takes `build` away first and sets it last, so that a start after a crash in between loads the program anew,
 * over the maps that `maps` names. bpffs holds no plain files, but everything in it vanishes together.
 */
export interface PinRequest {
  /** From `PinPlace`: no other director uses it meanwhile. */
  readonly directory: string;
  readonly interfaces: readonly AttachTarget[];
  readonly capacity: ImageCapacity;
  /** One object file of each kind. */
  readonly objectPaths: Readonly<Record<ProgramKind, string>>;
  readonly warn: (message: string) => void;
}

/** The way in which a start got its program and maps. `pending`: the former ones forward until `commit`. */
export type TakeOver = 'fresh' | 'kept' | 'new-program' | 'pending';

interface Build {
  readonly directory: string;
  readonly objects: ObjectFiles;
  readonly hash: string;
}

interface FastPathParts {
  readonly maps: ImageMaps;
  readonly programs: FastPathPrograms;
  readonly request: PinRequest;
  readonly build: Build;
  readonly links: PinnedLinks;
  readonly takeOver: TakeOver;
  /** The work that is left to `commit`. */
  readonly swap?: () => void;
}

/** The fast path: a program attached to interfaces and the image that it reads, all pinned. */
export class PinnedFastPath implements Disposable {
  readonly image: MappedImage;
  readonly takeOver: TakeOver;
  readonly vlanOffloads: VlanOffloads;
  readonly #parts: FastPathParts;
  /** The interfaces attached by this start; a start that fails detaches them. */
  readonly #added: number[] = [];
  #committed = false;

  constructor(parts: FastPathParts) {
    this.#parts = parts;
    this.vlanOffloads = new VlanOffloads(parts.build.directory);
    this.takeOver = parts.takeOver;
    this.image = mapImage(parts.maps);
  }

  /**
   * Attaches the program, which begins with the image as it is. Does nothing where it is attached already. @throws CulvertError
   */
  attach(targets: readonly AttachTarget[]): void {
    const { programs, links, request } = this.#parts;
    for (const target of targets.filter(({ ifIndex }) => !links.has(ifIndex))) {
      links.attach(programs, target, request.warn);
      this.#added.push(target.ifIndex);
    }
  }

  detach(ifIndex: number): void {
    this.#parts.links.detach(ifIndex);
  }

  /**
   * Must be called once the image has been filled. Replaces the former program by a pending one, and ends the attachments to
   * interfaces that the earlier run had and this one does not. Idempotent.
   */
  commit(): void {
    if (this.#committed) return;
    this.#committed = true;
    const { swap, links, request } = this.#parts;
    swap?.();
    const wanted = new Set([...request.interfaces.map(({ ifIndex }) => ifIndex), ...this.#added]);
    for (const ifIndex of links.indices()) if (!wanted.has(ifIndex)) links.detach(ifIndex);
  }

  /** Restores attachments and pins that others have changed; the image's writer restores the image. */
  mend(targets: readonly AttachTarget[]): Drift[] {
    const { build, maps, programs, links, request } = this.#parts;
    const drift = links.mend(targets, programs, request.warn);
    if (repinMaps(maps, build.directory))
      drift.push({ found: `pins in ${build.directory} are gone`, done: 'pinned again', mended: true });
    if (readText(join(build.directory, 'build')) === undefined)
      symlinkSync(build.hash, join(build.directory, 'build'));
    return drift;
  }

  /** Cleans up after a start that failed: leaves what an earlier run left, and nothing of its own. */
  abandon(): void {
    if (this.takeOver === 'fresh') {
      this.remove();
      return;
    }
    for (const ifIndex of this.#added) this.detach(ifIndex);
    this[Symbol.dispose]();
  }

  /** Closes the fast path, which continues to forward. */
  [Symbol.dispose](): void {
    this.image[Symbol.dispose]();
    this.#parts.programs[Symbol.dispose]();
    closeMaps(this.#parts.maps);
    this.#parts.links[Symbol.dispose]();
  }

  /** Ends forwarding and removes the pins. */
  remove(): void {
    this.#parts.links.detachAll();
    this.vlanOffloads.restore();
    this[Symbol.dispose]();
    removeInstance(this.#parts.build.directory);
  }
}

/**
 * Attaches the fast path, or takes over what an earlier run left pinned, without losing a packet.
 * @throws CulvertError XDP_OCCUPIED, PERMISSION, KERNEL
 */
export function pinFastPath(request: PinRequest): PinnedFastPath {
  const build = { directory: request.directory, ...readObjects(request) };
  const { directory } = build;
  using opening = new DisposableStack();
  const links = opening.use(new PinnedLinks(directory));
  requireFree(request, links, directory);
  const fastPath = links.size === 0 ? startAnew(request, build, links) : takeOver(request, build, links);
  opening.move();
  try {
    fastPath.attach(request.interfaces);
    if (fastPath.takeOver === 'fresh') symlinkSync(build.hash, join(directory, 'build'));
    return fastPath;
  } catch (error) {
    fastPath.abandon();
    throw error;
  }
}

/** Removes the pins of an instance, whose forwarding ends. Returns false when there was nothing. */
export function removePins(directory: string): boolean {
  using links = new PinnedLinks(directory);
  const found = links.size > 0;
  links.detachAll();
  new VlanOffloads(directory).restore();
  removeInstance(directory);
  return found;
}

function requireFree({ interfaces }: PinRequest, links: PinnedLinks, directory: string): void {
  try {
    links.requireFree(interfaces);
  } catch (error) {
    if (links.size === 0) removeInstance(directory);
    throw error;
  }
}

/** Starts with new maps. Existing pins are useless, as they are attached to nothing. */
function startAnew(request: PinRequest, build: Build, links: PinnedLinks): PinnedFastPath {
  const { directory } = build;
  new VlanOffloads(directory).restore();
  clearPlace(directory);
  const { maps, programs } = create(request, build);
  try {
    pinMaps(maps, join(directory, 'maps-1'));
    symlinkSync('maps-1', join(directory, 'maps'));
    return new PinnedFastPath({ request, build, maps, programs, links, takeOver: 'fresh' });
  } catch (error) {
    programs[Symbol.dispose]();
    closeMaps(maps);
    removeInstance(directory);
    throw error;
  }
}

function takeOver(request: PinRequest, build: Build, links: PinnedLinks): PinnedFastPath {
  const { directory, hash } = build;
  removeStaleMaps(directory);
  const pinned = openMaps(join(directory, 'maps'));
  const usable = pinned !== undefined && hasOwnLayout(pinned);
  const maps = usable ? addMissing(pinned, build.objects.plain, join(directory, 'maps')) : pinned;
  if (maps === undefined || !mapsFit(maps, request.capacity)) {
    return prepareReplacement(request, build, links, maps);
  }
  const programs = new FastPathPrograms(build.objects, maps);
  const parts = { request, build, maps, programs, links };
  if (maps === pinned && readText(join(directory, 'build')) === hash)
    return new PinnedFastPath({ ...parts, takeOver: 'kept' });
  replacePrograms(parts);
  return new PinnedFastPath({ ...parts, takeOver: 'new-program' });
}

/** Creates new maps beside the former ones, which forward until the new image has been filled. */
function prepareReplacement(
  request: PinRequest,
  build: Build,
  links: PinnedLinks,
  formerMaps: ImageMaps | undefined,
): PinnedFastPath {
  const { directory } = build;
  const { maps, programs } = create(request, build);
  const former = takeFromFormer(formerMaps, maps);
  if (former === undefined)
    request.warn('the layout has changed, or the capacity is too small: remembered flows are lost');
  const name = freeMapsName(directory);
  pinMaps(maps, join(directory, name));
  const swap = (): void => {
    unlinkIfThere(join(directory, 'build'));
    symlinkSync(name, join(directory, 'maps-new'));
    renameSync(join(directory, 'maps-new'), join(directory, 'maps'));
    replacePrograms({ request, build, links, programs });
    former?.finish();
    removeStaleMaps(directory);
  };
  return new PinnedFastPath({ request, build, maps, programs, links, takeOver: 'pending', swap });
}

function replacePrograms({
  request,
  build: { directory, hash },
  links,
  programs,
}: Pick<FastPathParts, 'request' | 'build' | 'links' | 'programs'>): void {
  unlinkIfThere(join(directory, 'build'));
  links.update(programs, request.interfaces);
  symlinkSync(hash, join(directory, 'build'));
}

function readObjects({ objectPaths }: PinRequest): Pick<Build, 'objects' | 'hash'> {
  const objects = { plain: readObject(objectPaths.plain), finishing: readObject(objectPaths.finishing) };
  const hash = createHash('sha256').update(objects.plain).update(objects.finishing).digest('hex');
  return { objects, hash };
}

function create(
  { interfaces, capacity }: PinRequest,
  { objects }: Build,
): Pick<FastPathParts, 'maps' | 'programs'> {
  return FastPathPrograms.create(objects, capacity, programKind(interfaces[0]));
}

/** Removes map directories left by a start that did not reach its commit. */
function removeStaleMaps(directory: string): void {
  unlinkIfThere(join(directory, 'maps-new'));
  const current = readText(join(directory, 'maps'));
  for (const name of readdirSync(directory)) {
    if (/^maps-\d+$/.test(name) && name !== current) unpinDirectory(join(directory, name));
  }
}
