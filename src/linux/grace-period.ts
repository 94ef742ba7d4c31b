// Waits until the kernel has finished everything under way.
import koffi from 'koffi';

/** include/uapi/linux/membarrier.h; the number of the system call by architecture. */
const MEMBARRIER_CMD_GLOBAL = 1;
const MEMBARRIER: Readonly<Record<string, number>> = { x64: 324, arm64: 283 };

const syscall = koffi
  .load(null)
  .func('long syscall(long number, int command, unsigned int flags, int cpu)') as (
  ...parameters: [number: number, command: number, flags: number, cpu: number]
) => number;

/**
 * Returns true when every XDP program that ran at the call has ended: they run in RCU read-side sections, and this waits
 * for a grace period, for some tens of milliseconds. False where the kernel does not offer it, as with `nohz_full`.
 */
export function awaitGracePeriod(): boolean {
  return syscall(MEMBARRIER[process.arch] ?? -1, MEMBARRIER_CMD_GLOBAL, 0, 0) === 0;
}
