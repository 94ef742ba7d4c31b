// Removes all that a director has left in the kernel.
import { NetlinkSocket } from '../../../linux/netlink/socket.ts';
import { removeTap, tapNameOf } from '../tap/tap-device.ts';
import { PinPlace } from './pin-place.ts';
import { removePins } from './pins.ts';

/**
 * Removes everything that a dead daemon left of an instance in this network namespace: fast path, pins, TAP device. Returns false
 * when there was nothing. @throws CulvertError ALREADY_RUNNING
 */
export function removeLeftovers(instance: string): boolean {
  using netlink = new NetlinkSocket();
  using place = PinPlace.take(instance);
  const pinned = removePins(place.directory);
  const tap = removeTap(netlink, tapNameOf(instance));
  return pinned || tap;
}
