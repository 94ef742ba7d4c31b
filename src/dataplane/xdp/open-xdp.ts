// Opens the xdp plane: takes over what is pinned, or makes it.
import { fileURLToPath } from 'node:url';
import type { ImageCapacity } from '../../forwarding/image/tables/memory.ts';
import { listLinks } from '../../linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../linux/netlink/socket.ts';
import { requireCapabilities } from '../../linux/process/capabilities.ts';
import type { DataPlane, PlaneEventListener } from '../data-plane.ts';
import { CheckNetwork } from './checks/check-network.ts';
import type { ProgramKind } from './pins/fast-path-programs.ts';
import { InstanceLock } from './pins/instance-lock.ts';
import { PinPlace } from './pins/pin-place.ts';
import { pinFastPath } from './pins/pins.ts';
import { removeTap, tapNameOf } from './tap/tap-device.ts';
import { TapWay } from './tap/tap-way.ts';
import type { Ingress } from './vips/ingresses.ts';
import { attachTarget, requireInterface } from './vips/require-interface.ts';
import { XdpPlane } from './xdp-plane.ts';

export interface XdpPlaneOptions {
  /** The interfaces that VIP traffic reaches, at least one. */
  readonly interfaces: readonly string[];
  /** Names the pins and the TAP device. */
  readonly instance: string;
  readonly capacity: ImageCapacity;
  readonly onEvent: PlaneEventListener;
  /** Another compiled fast path than the one of this build. */
  readonly objectPaths?: Readonly<Record<ProgramKind, string>>;
}

const OBJECT_PATHS = {
  plain: objectPath('director.bpf.o'),
  finishing: objectPath('director-finishing.bpf.o'),
};

function objectPath(name: string): string {
  return fileURLToPath(new URL(`../../../build/bpf/${name}`, import.meta.url));
}

/**
 * Attaches the fast path to interfaces, or takes over what an earlier run left forwarding there.
 * @throws CulvertError PERMISSION, INTERFACE, ALREADY_RUNNING, XDP_OCCUPIED, UNSUPPORTED, KERNEL
 */
export async function openXdpPlane(options: XdpPlaneOptions): Promise<DataPlane> {
  requireCapabilities('the xdp data plane');
  await using opening = new AsyncDisposableStack();
  const netlink = opening.use(new NetlinkSocket());
  const present = listLinks(netlink);
  const links = options.interfaces.map((name) => requireInterface(present, name));
  const ingresses: Ingress[] = [];
  for (const link of links) {
    ingresses.push({ link, lock: opening.use(await InstanceLock.take(link.name, link.index)) });
  }
  const checkNetwork = opening.use(new CheckNetwork(Math.min(...links.map(({ mtuBytes }) => mtuBytes))));
  const tapName = tapNameOf(options.instance);
  const place = opening.use(PinPlace.take(options.instance));
  const fastPath = pinFastPath({
    directory: place.directory,
    interfaces: links.map((link) => attachTarget(link, present)),
    capacity: options.capacity,
    objectPaths: options.objectPaths ?? OBJECT_PATHS,
    warn: (message) => options.onEvent({ type: 'warning', message }),
  });
  opening.defer(() => {
    fastPath.abandon();
    if (fastPath.takeOver === 'fresh') removeTap(netlink, tapName);
  });
  const way = opening.use(new TapWay({ netlink, name: tapName, persistent: true }));
  const answersName = tapNameOf(options.instance, 'ca');
  const answers = opening.use(new TapWay({ netlink, name: answersName, persistent: false }));
  const parts = { netlink, place, ingresses, way, answers, checkNetwork, fastPath };
  const plane = new XdpPlane({ ...parts, onEvent: options.onEvent });
  opening.move();
  return plane;
}
