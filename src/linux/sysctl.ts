// Settings below /proc/sys.
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { withSpareDescriptors } from '../spare-descriptors.ts';
import { errnoOf, kernelError } from './errno.ts';

/**
 * A setting under /proc/sys by its path, `net/ipv4/conf/eth0/rp_filter`: slashes, because interface names may hold dots.
 * Undefined when the kernel has no such setting.
 */
export function readSysctl(path: string): string | undefined {
  try {
    return withSpareDescriptors(() => readFileSync(`/proc/sys/${path}`, 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw failure('read', path, error);
  }
}

/** @throws CulvertError KERNEL or PERMISSION */
export function writeSysctl(path: string, value: string): void {
  try {
    withSpareDescriptors(() => writeFileSync(`/proc/sys/${path}`, value));
  } catch (error) {
    throw failure('write', path, error);
  }
}

/** Sets what is merely better so: nothing happens where the kernel has no such setting or does not let it be written. */
export function preferSysctl(path: string, value: string): void {
  try {
    if ((readSysctl(path) ?? value) !== value) writeSysctl(path, value);
  } catch {
    // In a container /proc/sys is read-only.
  }
}

function failure(verb: string, path: string, error: unknown): Error {
  const errno = constants.errno[errnoOf(error) as keyof typeof constants.errno];
  return kernelError(`${verb} sysctl ${path}`, errno ?? constants.errno.EIO);
}
