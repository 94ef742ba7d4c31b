// The place of an instance's pins, and its lock: bpffs may be shared by network namespaces, interfaces are not.
import { closeSync, constants, fstatSync, openSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CulvertError } from '../../../errors.ts';
import { queryXdp } from '../../../linux/bpf/query.ts';
import { XdpLink } from '../../../linux/bpf/xdp-link.ts';
import { pinDirectory, pinPath } from '../../../linux/bpffs.ts';
import { errnoOf } from '../../../linux/errno.ts';
import { namespaceInode } from '../../../linux/namespaces/namespace-inode.ts';
import { tryLock } from '../../../linux/process/file-lock.ts';
import { linkDirectory, linkPins } from './link-pins.ts';
import { readText, unlinkIfThere } from './pin-files.ts';
import { unpinDirectory } from './pinned-maps.ts';

/** A symbolic link that leads nowhere; its text is the inode of the network namespace that the links are in. */
const NAMESPACE = 'netns';
/** Likewise; the process that holds the lock. */
const HOLDER = 'holder';

/** The directory of an instance's pins, locked. Processes that share the pins share the lock, which ends with the process. */
export class PinPlace implements Disposable {
  readonly directory: string;
  readonly #fd: number;

  private constructor(directory: string, fd: number) {
    this.directory = directory;
    this.#fd = fd;
  }

  /**
   * Returns the directory of that name; while what is pinned there is attached in another network namespace, one that is named
   * for this namespace as well. @throws CulvertError ALREADY_RUNNING
   */
  static take(instance: string): PinPlace {
    const here = namespaceInode();
    for (;;) {
      const directory = pinDirectory(localName(instance, here));
      const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      if (!tryLock(fd)) {
        closeSync(fd);
        throw held(directory);
      }
      // A director that ended may have removed it between the two calls.
      if (inodeOf(directory) === fstatSync(fd).ino) return new PinPlace(directory, fd).#sign(here);
      closeSync(fd);
    }
  }

  #sign(here: string): this {
    for (const [name, text] of [
      [NAMESPACE, here],
      [HOLDER, String(process.pid)],
    ] as const) {
      const path = join(this.directory, name);
      unlinkIfThere(path);
      symlinkSync(text, path);
    }
    return this;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/**
 * Returns the name that an instance has in this network namespace, for its pins, state and control socket: `eth0`, or
 * `eth0@4026532008` where `eth0` belongs to another namespace. It stays the same while there are pins under that name.
 */
export function localName(instance: string, here: string = namespaceInode()): string {
  const own = `${instance}@${here}`;
  if (linkPins(pinPath(own)).length > 0) return own;
  return isForeign(pinPath(instance), here) ? own : instance;
}

/** Returns true if what is pinned there is attached in another namespace. */
function isForeign(directory: string, here: string): boolean {
  const owner = readText(join(directory, NAMESPACE));
  if (owner === here) return false;
  const links = linkPins(directory).map((name) => linkInfo(join(linkDirectory(directory), name)));
  const attached = links.flatMap((link) => (link === undefined || link.ifIndex === 0 ? [] : [link]));
  if (attached.length === 0) return false;
  // Earlier versions wrote no namespace: what is attached here belongs to this namespace.
  return owner !== undefined || !attached.some(({ ifIndex, programId }) => programOn(ifIndex) === programId);
}

function programOn(ifIndex: number): number | undefined {
  try {
    return queryXdp(ifIndex)?.programId;
  } catch (error) {
    if (errnoOf(error) === 'ENODEV' || errnoOf(error) === 'EINVAL') return undefined;
    throw error;
  }
}

function linkInfo(path: string): { readonly ifIndex: number; readonly programId: number } | undefined {
  try {
    using link = XdpLink.openPinned(path);
    return link.info();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes stale pins; the place stays locked. */
export function clearPlace(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === NAMESPACE || entry.name === HOLDER) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) unpinDirectory(path);
    else unlinkIfThere(path);
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function held(directory: string): CulvertError {
  const pid = readText(join(directory, HOLDER));
  return new CulvertError(
    'ALREADY_RUNNING',
    `another director (pid ${pid ?? 'unknown'}, in its own process namespace) uses these pins; fix: stop it first, or give ` +
      'this one its own `director.instance`',
    { where: directory },
  );
}
