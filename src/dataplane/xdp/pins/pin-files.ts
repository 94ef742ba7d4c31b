// Files and links in the pin directory.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CulvertError } from '../../../errors.ts';
import { errnoOf } from '../../../linux/errno.ts';
import { withSpareDescriptors } from '../../../spare-descriptors.ts';
import { type ImageMaps, unpinDirectory } from './pinned-maps.ts';

/** Returns the text of a symbolic link; undefined when there is none. */
export function readText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Removes an instance's directory, and the one of all instances with the last of them. */
export function removeInstance(directory: string): void {
  unpinDirectory(directory);
  try {
    rmdirSync(dirname(directory));
  } catch (error) {
    // Another instance has pins there, or has just removed its last ones; or root has prepared it for a user.
    if (!['ENOTEMPTY', 'ENOENT', 'EACCES', 'EPERM'].includes(`${errnoOf(error)}`)) throw error;
  }
}

/** `maps-2` if the highest there is `maps-1`. */
export function freeMapsName(directory: string): string {
  const numbers = readdirSync(directory).map((name) => Number(/^maps-(\d+)$/.exec(name)?.[1] ?? 0));
  return `maps-${Math.max(...numbers) + 1}`;
}

/**
 * Pins again what is not pinned any more; `maps` in the instance's directory leads to it. Returns true if anything was missing.
 */
export function repinMaps(maps: ImageMaps, instanceDirectory: string): boolean {
  const link = join(instanceDirectory, 'maps');
  const missing = Object.entries(maps).filter(([name]) => !existsSync(join(link, name)));
  if (missing.length === 0) return false;
  const directory = readText(link) ?? 'maps-1';
  mkdirSync(join(instanceDirectory, directory), { recursive: true, mode: 0o700 });
  if (readText(link) === undefined) symlinkSync(directory, link);
  for (const [name, map] of missing) if (!existsSync(join(link, name))) map.pin(join(link, name));
  return true;
}

function readError(where: string, cause: unknown): CulvertError {
  return new CulvertError('KERNEL', `the compiled fast path cannot be read: ${String(cause)}`, {
    where,
    cause,
  });
}

export function readObject(path: string): Uint8Array {
  try {
    return withSpareDescriptors(() => readFileSync(path));
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw readError(path, cause);
    throw new CulvertError('UNSUPPORTED', 'the compiled fast path is missing; fix: make bpf (needs clang)', {
      where: path,
      cause,
    });
  }
}
