import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { removePins } from './pins.ts';
import { removeTap, tapNameOf } from './tap-device.ts';

/** Takes away all that a dead daemon left of an instance: fast path, pins, TAP device. False when there was nothing. */
export function removeLeftovers(instance: string): boolean {
  using netlink = new NetlinkSocket();
  const pinned = removePins(instance);
  const tap = removeTap(netlink, tapNameOf(instance));
  return pinned || tap;
}
