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
import { type Link, listLinks } from '../../linux/netlink/link.ts';
import { lookUpRoute } from '../../linux/netlink/route.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
import type { Tap } from '../../linux/tap.ts';
import { formatIp, isIpv4 } from '../../net/ip-address.ts';
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
import { GroupMemberships } from './group-memberships.ts';
import { type Ingress, Ingresses } from './ingresses.ts';
import type { PinnedFastPath } from './pins.ts';
import { RealPaths } from './real-paths.ts';
import { reversePathProblem } from './reverse-path.ts';
import { SlowPath } from './slow-path.ts';
import { checkMark, prepareTap, removeTap } from './tap-routing.ts';
import { TunnelConnector } from './tunnel-connector.ts';
import { WaysOut } from './ways-out.ts';

export interface XdpPlaneParts {
  readonly netlink: NetlinkSocket;
  /** Of the interfaces that clients' packets come in by; one at least. */
  readonly ingresses: readonly Ingress[];
  readonly tap: Tap;
  readonly fastPath: PinnedFastPath;
  readonly onEvent: PlaneEventListener;
}

const SLOW_PATH_LOST = 'rare packets and checks through the tunnel are lost until culvert is started anew';
/** Packets in a tick of 100 ms: about half of what one core decides, so that checks and changes get their turn. */
const SLOW_PATH_BUDGET = { opening: 3000, neighbour: 100, other: 2000 } as const;
/** Less than the second after which a client repeats its SYN; more than a busy daemon is late. */
const PATIENCE_TICKS = 5;
const SWEEP_INTERVAL_MS = 1000;
const PROBE_INTERVAL_MS = 250;
/** Flows listed before other work gets a turn. */

/** XDP program and slow path on some interfaces. What forwards is pinned: the object is only its control. */
export class XdpPlane implements DataPlane {
  readonly kind = 'xdp';
  readonly connector: CheckConnector;
  readonly #parts: XdpPlaneParts;
  readonly #image: ForwardingImage;
  readonly #forwarder: ForwarderState;
  readonly #ingresses: Ingresses;
  readonly #paths: RealPaths;
  readonly #groups: GroupMemberships;
  readonly #running = new DisposableStack();
  #sweeper: NodeJS.Timeout | undefined;
  #sweepUnderWay: Generator<void> | undefined;
  #reversePathWarning = '';

  constructor(parts: XdpPlaneParts) {
    this.#parts = parts;
    const { netlink, tap, fastPath, onEvent } = parts;
    const { memory, counters } = fastPath.image;
    const image = new ForwardingImage(memory, { realAdded: (index) => counters.clearOverCpus(index) });
    this.#image = image;
    image.setNow(nowTick());
    const tapIndex = prepareTap(netlink, tap.name, leastMtu(parts.ingresses.map(({ link }) => link)));
    image.setSlowPathIfIndex(tapIndex);
    image.setSlowPathBudget(SLOW_PATH_BUDGET);
    image.setPatience(PATIENCE_TICKS);
    this.#forwarder = createForwarder(image, parts);
    const forwarder = this.#forwarder;
    const onChange = (): void => this.#followInterfaces();
    this.#ingresses = new Ingresses({ ...parts, forwarder, onChange });
    this.#groups = this.#running.use(new GroupMemberships());
    this.#followInterfaces();
    const { pathMtus } = forwarder;
    const waysOut = this.#running.use(
      new WaysOut({
        ingresses: () => this.#ingresses.links().map(({ index }) => index),
        warn: (message) => onEvent({ type: 'warning', message }),
      }),
    );
    this.#paths = this.#running.use(new RealPaths({ image, pathMtus, netlink, waysOut, onEvent }));
    const onFailure = (reason: string): void =>
      onEvent({ type: 'warning', message: `${reason}; ${SLOW_PATH_LOST}` });
    const slowPath = this.#running.use(
      new SlowPath({ tap, ingresses: this.#ingresses, forwarder, onFailure }),
    );
    this.#repeat(PROBE_INTERVAL_MS, () => slowPath.probePaths());
    this.#repeat(TICK_MS, () => image.setNow(nowTick()));
    this.connector = this.#running.use(
      new TunnelConnector({
        mark: checkMark(tapIndex),
        sourceTo: (target) => this.#paths.sourceTo(target),
        checks: new CheckRegistry(forwarder),
      }),
    );
  }

  get description(): string {
    const modes = this.#ingresses
      .links()
      .map(({ name, index }) => `${queryXdp(index)?.mode ?? 'unknown'} mode on ${name}`);
    return `xdp, ${modes.join(', ')}`;
  }

  // The interface is asynchronous for planes that are; this one's changes are system calls and memory writes.
  async apply(table: ForwardingTable): Promise<ApplySummary> {
    refuseUnsupported(table, this.kind);
    this.#refuseLocalVips(table);
    this.#paths.refuseNarrow(table);
    const summary = this.#image.apply(table, nowTick());
    if (summary.reals.added + summary.reals.removed > 0) this.#paths.follow();
    this.#parts.fastPath.commit();
    this.#joinGroups();
    // Not before the first table: the timeouts are in it.
    if (this.#sweeper === undefined) this.#sweeper = this.#repeat(SWEEP_INTERVAL_MS, () => this.#sweep());
    this.#warnOfReversePath();
    return summary;
  }

  async useInterfaces(names: readonly string[]): Promise<void> {
    await this.#ingresses.use(names, listLinks(this.#parts.netlink));
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
    return explain(packet, this.#ingresses.forwarderAt(0), bootTimeMs());
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

  #followInterfaces(): void {
    const links = this.#ingresses.links();
    const { netlink, tap, fastPath, onEvent } = this.#parts;
    if (links.length > 0) prepareTap(netlink, tap.name, leastMtu(links));
    const parents = new Set(listLinks(netlink).flatMap(({ vlan }) => vlan?.parentIndex ?? []));
    fastPath.vlanOffloads.turnOff(links, parents, (message) => onEvent({ type: 'warning', message }));
    this.#joinGroups();
  }

  #joinGroups(): void {
    this.#groups.set(
      this.#image.vips(),
      this.#ingresses.links().map(({ index }) => index),
    );
  }

  #stop(): void {
    this.#running.dispose();
  }

  async #release(): Promise<void> {
    await this.#ingresses[Symbol.asyncDispose]();
    this.#parts.netlink.close();
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
      if (lookUpRoute(this.#parts.netlink, vip)?.type !== RTN.local) continue;
      throw new CulvertError(
        'INTERFACE',
        `${formatIp(vip)} is an address of this machine, whose own stack would take the traffic: remove it, ` +
          'the director answers for it',
        {
          where: this.#ingresses
            .links()
            .map(({ name }) => name)
            .join(', '),
        },
      );
    }
  }

  #warnOfReversePath(): void {
    const { netlink, onEvent } = this.#parts;
    const vips = [...this.#image.vips()].filter(isIpv4);
    const problems = this.#ingresses
      .links()
      .flatMap(({ name, index }) => reversePathProblem(netlink, { name, ifIndex: index }, vips) ?? []);
    const problem = problems.join('; ');
    if (problem !== '' && problem !== this.#reversePathWarning)
      onEvent({ type: 'warning', message: problem });
    this.#reversePathWarning = problem;
  }
}

function createForwarder(image: ForwardingImage, { ingresses, onEvent }: XdpPlaneParts): ForwarderState {
  const link = (ingresses[0] as Ingress).link;
  return createForwarderState({
    image,
    linkMtuBytes: link.mtuBytes,
    interfaceMac: link.mac,
    onCured: (service, client, clientPort) =>
      onEvent({ type: 'blackhole-cured', service, client, clientPort }),
  });
}

function leastMtu(links: readonly Link[]): number {
  return Math.min(...links.map(({ mtuBytes }) => mtuBytes));
}

function nowTick(): number {
  return Math.floor(bootTimeMs() / TICK_MS);
}
