// The data plane of the simulated network.
import type { Explanation } from '../../forwarding/decision.ts';
import { explain } from '../../forwarding/explain.ts';
import type { ForwardingTable, Service } from '../../forwarding/forwarding-table.ts';
import type { ApplySummary } from '../../forwarding/image/change/apply-run.ts';
import { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../forwarding/image/tables/layout.ts';
import type { ImageMemory } from '../../forwarding/image/tables/memory.ts';
import { createForwarderState, type ForwarderState, sweepForwarder } from '../../forwarding/state.ts';
import { onlyIpv4 } from '../../net/address/ip-address.ts';
import type { CheckConnector } from '../check-connector.ts';
import type {
  DataPlane,
  FlowFilter,
  FlowRecord,
  KnownFlow,
  LearnSummary,
  PlaneCounters,
  PlaneEventListener,
} from '../data-plane.ts';
import { imageCounters } from '../image-counters.ts';
import { imageFlows } from '../image-flows.ts';
import { learnFlows } from '../learn-flows.ts';
import { refuseUnsupported } from '../refuse-unsupported.ts';
import { attachForwarder } from './director-node.ts';
import type { Timer } from './network/event-loop.ts';
import type { Topology } from './network/simulated-topology.ts';
import { SimulatedCheckConnector } from './simulated-connector.ts';

export interface SimulatedPlaneParts {
  readonly topology: Topology;
  readonly memory: ImageMemory;
  readonly onEvent: PlaneEventListener;
  /** Called with every table before it is applied. */
  readonly prepare: (table: ForwardingTable) => void;
  /** Called once when the plane is closed. */
  readonly release: () => void;
}

const SWEEP_MS = 1000;
/** There are no frames here: every next hop is resolved, to an address that nobody looks at. */
/** Made up: the simulated network has no frames. (A next hop of zeroes would count as unknown.) */
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
const NEXT_HOP = { nextHopMac: MAC, sourceMac: MAC, ifIndex: 1 };

/** The TypeScript forwarder on the director of a simulated network. */
export class SimulatedPlane implements DataPlane {
  readonly kind = 'simulated';
  readonly description: string;
  readonly connector: CheckConnector;
  readonly topology: Topology;
  readonly #parts: SimulatedPlaneParts;
  readonly #image: ForwardingImage;
  readonly #state: ForwarderState;
  readonly #attached: Disposable;
  readonly #timers = new Map<string, Timer>();

  constructor(parts: SimulatedPlaneParts) {
    const { topology, onEvent } = parts;
    this.#parts = parts;
    this.topology = topology;
    this.description = 'simulated, a network within this process';
    this.#image = new ForwardingImage(parts.memory);
    this.#state = createForwarderState({
      image: this.#image,
      linkMtuBytes: topology.director.ip.pathMtu(topology.clientAddress),
      interfaceMac: NEXT_HOP.sourceMac,
      onCured: (service, client, clientPort) =>
        onEvent({ type: 'blackhole-cured', service, client, clientPort }),
    });
    this.#state.ownAddresses.add(topology.directorAddress);
    this.#image.setHostAddresses(this.#state.ownAddresses);
    this.connector = new SimulatedCheckConnector(topology.director, this.#state);
    this.#attached = attachForwarder(topology.director, this.#state);
    this.#resolvePaths();
    this.#every('tick', TICK_MS, () => this.#image.setNow(this.#tick));
  }

  async apply(table: ForwardingTable): Promise<ApplySummary> {
    refuseUnsupported(table, this.kind);
    this.#parts.prepare(table);
    const summary = this.#image.apply(table, this.#tick);
    this.#resolvePaths();
    if (!this.#timers.has('sweep')) this.#every('sweep', SWEEP_MS, () => this.#sweep());
    return summary;
  }

  services(): readonly Service[] {
    return this.#image.services();
  }

  keyInUse(): Uint8Array | undefined {
    return this.#image.keyInUse();
  }

  async counters(): Promise<PlaneCounters> {
    return {
      services: imageCounters(this.#image, (real) => this.#image.slowCounters(real)),
      reasons: this.#image.reasonCounts(),
      handedOver: 0,
      overBudget: 0,
    };
  }

  flows(filter: FlowFilter = {}): AsyncIterable<FlowRecord> {
    return imageFlows(this.#image, this.#tick, filter);
  }

  learn(flows: Iterable<KnownFlow>): LearnSummary {
    return learnFlows(this.#image, flows, this.#tick);
  }

  explain(packet: Uint8Array): Explanation {
    return explain(packet, this.#state, this.topology.loop.nowMs);
  }

  /** Forwarding ends with it; a plane that is opened over the same memory goes on. */
  async close(): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#attached[Symbol.dispose]();
    this.#parts.release();
  }

  async remove(): Promise<void> {
    for (const buffer of Object.values(this.#parts.memory)) new Uint8Array(buffer as ArrayBuffer).fill(0);
    await this.close();
  }

  get #tick(): number {
    return Math.floor(this.topology.loop.nowMs / TICK_MS);
  }

  /** Sweeps the image, but not before the first table, which has the timeouts. */
  #sweep(): void {
    this.#image.sweep(this.#tick);
    sweepForwarder(this.#state, this.topology.loop.nowMs);
  }

  #resolvePaths(): void {
    const { director, directorAddress, loop } = this.topology;
    for (const { index, address } of this.#image.reals()) {
      const mtuBytes = this.#state.pathMtus.bound(
        address,
        director.ip.pathMtu(onlyIpv4(address)),
        loop.nowMs,
      );
      this.#image.setPath(index, { sourceAddress: directorAddress, mtuBytes, resolved: NEXT_HOP });
    }
  }

  #every(name: string, ms: number, action: () => void): void {
    const run = (): void => {
      action();
      this.#timers.set(name, this.topology.loop.schedule(ms, run));
    };
    run();
  }
}
