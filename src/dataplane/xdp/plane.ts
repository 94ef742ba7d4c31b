import { CulvertError } from '../../errors.ts';
import type { Explanation } from '../../forwarding/decision.ts';
import { explain } from '../../forwarding/explain.ts';
import { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../forwarding/image/layout.ts';
import { createForwarderState, type ForwarderState, sweepForwarder } from '../../forwarding/state.ts';
import type { ForwardingTable, Service } from '../../forwarding/table.ts';
import { queryXdp } from '../../linux/bpf/query.ts';
import { bootTimeMs } from '../../linux/clock.ts';
import { RTN } from '../../linux/netlink/constants.ts';
import type { Link } from '../../linux/netlink/link.ts';
import { lookUpRoute } from '../../linux/netlink/route.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import type { Tap } from '../../linux/tap.ts';
import { formatIp, onlyIpv4 } from '../../net/ip-address.ts';
import type { CheckConnector } from '../check-connector.ts';
import type {
  ApplySummary,
  DataPlane,
  FlowFilter,
  FlowRecord,
  PlaneCounters,
  PlaneEventListener,
} from '../data-plane.ts';
import { imageFlows } from '../image-flows.ts';
import { refuseUnsupported } from '../refuse-unsupported.ts';
import { CheckRegistry } from './check-registry.ts';
import { planeCounters } from './counters.ts';
import type { InstanceLock } from './instance-lock.ts';
import type { PinnedFastPath } from './pins.ts';
import { RealPaths } from './real-paths.ts';
import { reversePathProblem } from './reverse-path.ts';
import { SlowPath } from './slow-path.ts';
import { checkMark, prepareTap, removeTap } from './tap-routing.ts';
import { TunnelConnector } from './tunnel-connector.ts';
import { watchInterface } from './watch-interface.ts';

export interface XdpPlaneParts {
  readonly netlink: NetlinkSocket;
  /** The interface that clients' packets come in by. */
  readonly link: Link;
  readonly lock: InstanceLock;
  readonly tap: Tap;
  readonly tapIndex: number;
  readonly fastPath: PinnedFastPath;
  readonly onEvent: PlaneEventListener;
}

const SLOW_PATH_LOST = 'rare packets and checks through the tunnel are lost until culvert is started anew';
const INTERFACE_GONE = 'is gone, and forwarding with it: start culvert anew when there is one again';
/** Packets in a tick of 100 ms: about half of what one core decides, so that checks and changes get their turn. */
const SLOW_PATH_BUDGET = { opening: 3000, neighbour: 100, other: 2000 } as const;
const SWEEP_INTERVAL_MS = 1000;
/** Flows listed before other work gets a turn. */

/** XDP program and slow path on one interface. What forwards is pinned: the object is only its control. */
export class XdpPlane implements DataPlane {
  readonly kind = 'xdp';
  readonly description: string;
  readonly connector: CheckConnector;
  readonly #parts: XdpPlaneParts;
  readonly #image: ForwardingImage;
  readonly #forwarder: ForwarderState;
  readonly #paths: RealPaths;
  readonly #running = new DisposableStack();
  #sweeper: NodeJS.Timeout | undefined;
  #sweepUnderWay: Generator<void> | undefined;
  #reversePathWarning: string | undefined;

  constructor(parts: XdpPlaneParts) {
    this.#parts = parts;
    const { netlink, link, fastPath, onEvent } = parts;
    const { memory, counters } = fastPath.image;
    const image = new ForwardingImage(memory, { realAdded: (index) => counters.clearOverCpus(index) });
    this.#image = image;
    image.setNow(nowTick());
    image.setSlowPathIfIndex(parts.tapIndex);
    image.setSlowPathBudget(SLOW_PATH_BUDGET);
    this.#forwarder = createForwarderState({
      image,
      linkMtuBytes: link.mtuBytes,
      interfaceMac: link.mac,
      onCured: (service, client, clientPort) =>
        onEvent({ type: 'blackhole-cured', service, client, clientPort }),
    });
    const { pathMtus } = this.#forwarder;
    this.#paths = this.#running.use(new RealPaths({ image, pathMtus, netlink, onEvent }));
    this.#running.use(
      new SlowPath({
        tap: parts.tap,
        ifIndex: link.index,
        forwarder: this.#forwarder,
        onFailure: (reason) => onEvent({ type: 'warning', message: `${reason}; ${SLOW_PATH_LOST}` }),
      }),
    );
    this.#running.use(
      watchInterface(link, {
        changed: (now) => this.#followInterface(now),
        gone: () => onEvent({ type: 'warning', message: `${link.name} ${INTERFACE_GONE}` }),
      }),
    );
    this.#repeat(TICK_MS, () => image.setNow(nowTick()));
    const paths = this.#paths;
    this.connector = this.#running.use(
      new TunnelConnector({
        mark: checkMark(link.index),
        sourceTo: (real) => paths.sourceTo(onlyIpv4(real)),
        checks: new CheckRegistry(this.#forwarder),
      }),
    );
    this.description = `xdp, ${queryXdp(link.index)?.mode ?? 'unknown'} mode on ${link.name}`;
  }

  // The interface is asynchronous for planes that are; this one's changes are system calls and memory writes.
  async apply(table: ForwardingTable): Promise<ApplySummary> {
    refuseUnsupported(table);
    this.#refuseLocalVips(table);
    const summary = this.#image.apply(table, nowTick());
    if (summary.reals.added + summary.reals.removed > 0) this.#paths.follow();
    this.#parts.fastPath.commit();
    // Not before the first table: the timeouts are in it.
    if (this.#sweeper === undefined) this.#sweeper = this.#repeat(SWEEP_INTERVAL_MS, () => this.#sweep());
    this.#warnOfReversePath();
    return summary;
  }

  services(): readonly Service[] {
    return this.#image.services();
  }

  async counters(): Promise<PlaneCounters> {
    return planeCounters(this.#image, this.#parts.fastPath.image.counters);
  }

  flows(filter?: FlowFilter): AsyncIterable<FlowRecord> {
    return imageFlows(this.#image, nowTick(), filter);
  }

  explain(packet: Uint8Array): Explanation {
    return explain(packet, this.#forwarder, bootTimeMs());
  }

  async close(): Promise<void> {
    this.#stop();
    this.#parts.tap.close();
    this.#parts.fastPath[Symbol.dispose]();
    await this.#release();
  }

  async remove(): Promise<void> {
    this.#stop();
    this.#parts.fastPath.remove();
    this.#parts.tap.close();
    removeTap(this.#parts.netlink, this.#parts.tap.name);
    await this.#release();
  }

  #followInterface({ index, mtuBytes, mac }: Link): void {
    Object.assign(this.#forwarder, {
      linkMtuBytes: mtuBytes,
      interfaceMac: mac,
    } satisfies Partial<ForwarderState>);
    prepareTap(this.#parts.netlink, this.#parts.tap.name, { ifIndex: index, mtuBytes });
  }

  #stop(): void {
    this.#running.dispose();
  }

  async #release(): Promise<void> {
    this.#parts.netlink.close();
    await this.#parts.lock.release();
  }

  #repeat(intervalMs: number, work: () => void): NodeJS.Timeout {
    const timer = setInterval(work, intervalMs);
    timer.unref();
    this.#running.defer(() => clearInterval(timer));
    return timer;
  }

  /** In steps of a few milliseconds, so that packets, checks and changes get their turn while a full table is swept. */
  #sweep(): void {
    if (this.#running.disposed) return;
    this.#sweepUnderWay ??= this.#image.sweepInSteps(nowTick());
    if (this.#sweepUnderWay.next().done !== true) {
      setImmediate(() => this.#sweep());
      return;
    }
    this.#sweepUnderWay = undefined;
    sweepForwarder(this.#forwarder, bootTimeMs());
  }

  #refuseLocalVips(table: ForwardingTable): void {
    const fresh = new Set(table.services.map(({ vip }) => vip).filter((vip) => !this.#image.isVip(vip)));
    for (const vip of fresh) {
      if (lookUpRoute(this.#parts.netlink, onlyIpv4(vip))?.type !== RTN.local) continue;
      throw new CulvertError(
        'INTERFACE',
        `${formatIp(vip)} is an address of this machine, whose own stack would take the traffic: remove it, ` +
          'the director answers for it',
        { where: this.#parts.link.name },
      );
    }
  }

  #warnOfReversePath(): void {
    const { netlink, link, onEvent } = this.#parts;
    const problem = reversePathProblem(
      netlink,
      { name: link.name, ifIndex: link.index },
      [...this.#image.vips()].map(onlyIpv4),
    );
    if (problem !== undefined && problem !== this.#reversePathWarning) {
      onEvent({ type: 'warning', message: problem });
    }
    this.#reversePathWarning = problem;
  }
}

function nowTick(): number {
  return Math.floor(bootTimeMs() / TICK_MS);
}
