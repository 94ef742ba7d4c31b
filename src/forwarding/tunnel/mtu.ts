// What a tunnel leaves of a path's MTU.
import type { RealFields } from '../image/forwarding-image.ts';

/** What the tunnel to a real leaves of its path's MTU: the longest packet that is sent whole. */
export function tunnelMtuBytes({ mtuBytes, overheadBytes }: RealFields): number {
  return mtuBytes - overheadBytes;
}
