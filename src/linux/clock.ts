// The time since boot.
import { checked } from './errno.ts';
import { libc } from './libc.ts';

const CLOCK_BOOTTIME = 7;
const time = new BigInt64Array(2);
const timeBytes = new Uint8Array(time.buffer);

/** Milliseconds since boot, time asleep included: the clock of the forwarding image, which outlives processes. */
export function bootTimeMs(): number {
  checked('clock_gettime', libc.clock_gettime(CLOCK_BOOTTIME, timeBytes));
  return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
}
