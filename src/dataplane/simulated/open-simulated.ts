// Opens the plane that forwards in a simulated network.
import type { ForwardingTable } from '../../forwarding/forwarding-table.ts';
import {
  allocateImageMemory,
  DEFAULT_CAPACITY,
  type ImageCapacity,
  type ImageMemory,
} from '../../forwarding/image/tables/memory.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { onlyIpv4 } from '../../net/address/ip-address.ts';
import type { PlaneEventListener } from '../data-plane.ts';
import { EventLoop } from './network/event-loop.ts';
import { driveInRealTime } from './network/real-time-driver.ts';
import { Topology } from './network/simulated-topology.ts';
import { SimulatedPlane } from './simulated-plane.ts';

export interface SimulatedPlaneOptions {
  /**
   * The network and its clock. Default: a network of the plane's own in real time, to which every VIP and real that is applied is
   * added, each real with a server on the service's port.
   */
  readonly topology?: Topology;
  readonly capacity?: ImageCapacity;
  /** The memory of an earlier plane that was closed, from which this one continues. */
  readonly memory?: ImageMemory;
  readonly onEvent?: PlaneEventListener;
}

/** Opens the plane that needs no privilege and no kernel feature. */
export async function openSimulatedPlane(options: SimulatedPlaneOptions = {}): Promise<SimulatedPlane> {
  const { capacity = DEFAULT_CAPACITY, memory = allocateImageMemory(capacity) } = options;
  const onEvent = options.onEvent ?? nothing;
  if (options.topology !== undefined) {
    return new SimulatedPlane({
      topology: options.topology,
      memory,
      onEvent,
      prepare: nothing,
      release: nothing,
    });
  }
  const loop = new EventLoop();
  const topology = new Topology(loop);
  const driver = driveInRealTime(loop);
  return new SimulatedPlane({
    topology,
    memory,
    onEvent,
    prepare: provider(topology),
    release: () => driver[Symbol.dispose](),
  });
}

/** Returns a function that adds what a table names for the first time. What exists already may have been broken on purpose. */
function provider(topology: Topology): (table: ForwardingTable) => void {
  const provided = new Set<string>();
  return ({ services }) => {
    for (const { vip, protocol, port, morePorts = [], reals } of services) {
      for (const key of [port, ...morePorts].map((each) => ({ vip, protocol, port: each }))) {
        const fresh = reals
          .map(({ address }) => onlyIpv4(address))
          .filter((address) => !provided.has(`${formatServiceName(key)} ${address}`));
        for (const address of fresh) provided.add(`${formatServiceName(key)} ${address}`);
        topology.provide(key, fresh);
      }
    }
  };
}

function nothing(): void {
  return undefined;
}
