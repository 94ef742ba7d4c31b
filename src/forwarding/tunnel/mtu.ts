// The MTU that a tunnel leaves for packets.
import type { RealFields } from '../image/forwarding-image.ts';

/** Returns the longest packet that is sent whole: the path's MTU less the tunnel's overhead. */
export function tunnelMtuBytes({ mtuBytes, overheadBytes }: RealFields): number {
  return mtuBytes - overheadBytes;
}
