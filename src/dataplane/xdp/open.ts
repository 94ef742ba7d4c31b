import { fileURLToPath } from 'node:url';
import { CulvertError } from '../../errors.ts';
import type { ImageCapacity } from '../../forwarding/image/memory.ts';
import { requireCapabilities } from '../../linux/capabilities.ts';
import { findLink, type Link } from '../../linux/netlink/link.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { Tap } from '../../linux/tap.ts';
import type { DataPlane, PlaneEventListener } from '../data-plane.ts';
import { InstanceLock } from './instance-lock.ts';
import { type PinnedFastPath, pinFastPath } from './pins.ts';
import { XdpPlane } from './plane.ts';
import { prepareTap, removeTap, tapNameOf } from './tap-routing.ts';

export interface XdpPlaneOptions {
  readonly interface: string;
  /** Names the pins and the TAP device. */
  readonly instance: string;
  readonly capacity: ImageCapacity;
  readonly onEvent: PlaneEventListener;
  /** Another compiled fast path than the one of this build. */
  readonly objectPath?: string;
}

const OBJECT_PATH = fileURLToPath(new URL('../../../build/bpf/director.bpf.o', import.meta.url));
const MAC_BYTES = 6;

/**
 * Attaches the fast path to an interface, or takes over what a former run left forwarding there.
 * @throws CulvertError PERMISSION, INTERFACE, ALREADY_RUNNING, XDP_OCCUPIED, UNSUPPORTED, KERNEL
 */
export async function openXdpPlane(options: XdpPlaneOptions): Promise<DataPlane> {
  requireCapabilities('the xdp data plane');
  await using opening = new AsyncDisposableStack();
  const netlink = opening.use(new NetlinkSocket());
  const link = requireInterface(netlink, options.interface);
  const lock = opening.use(await InstanceLock.take(link.name, link.index));
  const tapName = tapNameOf(options.instance);
  const fastPath = pinFastPath({
    instance: options.instance,
    interface: link.name,
    ifIndex: link.index,
    capacity: options.capacity,
    objectPath: options.objectPath ?? OBJECT_PATH,
    warn: (message) => options.onEvent({ type: 'warning', message }),
  });
  opening.defer(() => abandon(fastPath, netlink, tapName));
  const tap = opening.use(new Tap(tapName));
  const tapIndex = prepareTap(netlink, tapName, { ifIndex: link.index, mtuBytes: link.mtuBytes });
  const parts = { netlink, link, lock, tap, tapIndex, fastPath, onEvent: options.onEvent };
  const plane = new XdpPlane(parts);
  opening.move();
  return plane;
}

/** A start that fails leaves what a former run left, and nothing of its own. */
function abandon(fastPath: PinnedFastPath, netlink: NetlinkSocket, tapName: string): void {
  if (fastPath.takeOver !== 'fresh') {
    fastPath[Symbol.dispose]();
    return;
  }
  fastPath.remove();
  removeTap(netlink, tapName);
}

function requireInterface(netlink: NetlinkSocket, name: string): Link {
  const link = findLink(netlink, name);
  if (link === undefined) throw new CulvertError('INTERFACE', 'there is no such interface', { where: name });
  if (link.mac.length !== MAC_BYTES || link.mac.every((byte) => byte === 0)) {
    throw new CulvertError('INTERFACE', 'it is no Ethernet interface', { where: name });
  }
  if (!link.up)
    throw new CulvertError('INTERFACE', `it is down: "ip link set dev ${name} up"`, { where: name });
  return link;
}
