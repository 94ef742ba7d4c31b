// Directories in the BPF file system.
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { CulvertError } from '../errors.ts';

const BPFFS = '/sys/fs/bpf';
/** include/uapi/linux/magic.h */
const BPF_FS_MAGIC = 0xcafe4a11;

/**
 * The directory that an instance pins its programs, maps and links in; made, and bpffs mounted, where missing.
 * @throws CulvertError KERNEL when bpffs cannot be mounted.
 */
export function pinDirectory(instance: string): string {
  mountBpffs();
  const directory = pinPath(instance);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Returns the directory of an instance's pins, whether or not it exists. */
export function pinPath(instance: string): string {
  // The kernel refuses dots in names there (bpf_lookup in kernel/bpf/inode.c), and VLAN interfaces have them.
  return join(BPFFS, 'culvert', instance.replaceAll('.', '%2e'));
}

function mountBpffs(): void {
  if (statfsSync(BPFFS).type === BPF_FS_MAGIC) return;
  try {
    execFileSync('mount', ['-t', 'bpf', 'bpf', BPFFS], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    throw new CulvertError(
      'KERNEL',
      'cannot mount bpffs, without which forwarding ends with the daemon. fix: mount -t bpf bpf /sys/fs/bpf',
      {
        where: BPFFS,
        cause,
      },
    );
  }
}
