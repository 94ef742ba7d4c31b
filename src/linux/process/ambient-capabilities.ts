// Capabilities that a process passes on to the programs it starts.

/** Capabilities that a process hands on to the programs it starts, as those of a service that is not root's (capabilities(7)). */
import { readFileSync } from 'node:fs';
import { checked } from '../errno.ts';
import { libc } from '../libc.ts';

/** include/uapi/linux/prctl.h */
const PR_CAP_AMBIENT = 47;
const RAISE = 2;
const CLEAR_ALL = 4;

let known: readonly number[] | undefined;

/** Runs `start`, in which programs are started that must not have this process's capabilities. They stay its own. */
export function withoutAmbientCapabilities<Result>(start: () => Result): Result {
  known ??= ambientCapabilities();
  if (known.length === 0) return start();
  ambient(CLEAR_ALL, 0);
  try {
    return start();
  } finally {
    // Programs that culvert starts for itself, such as ethtool, need the capabilities.
    for (const capability of known) ambient(RAISE, capability);
  }
}

/** Returns the ambient capabilities of this thread. */
function ambientCapabilities(): number[] {
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  const set = BigInt(`0x${/^CapAmb:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (set >> BigInt(bit)) % 2n === 1n);
}

function ambient(operation: number, capability: number): void {
  checked('prctl', libc.prctl(PR_CAP_AMBIENT, operation, capability, 0, 0));
}
