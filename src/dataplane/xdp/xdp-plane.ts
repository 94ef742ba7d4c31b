// The data plane that forwards in the kernel by XDP.
import type { Explanation } from '../../forwarding/decision.ts';
import { explain } from '../../forwarding/explain.ts';
import type { ForwardingTable, Service } from '../../forwarding/forwarding-table.ts';
import type { ApplySummary } from '../../forwarding/image/change/apply-run.ts';
import { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../forwarding/image/tables/layout.ts';
import type { PathMtus } from '../../forwarding/path-mtu/learned.ts';
import { withoutLost } from '../../forwarding/reals-without-way.ts';
import { createForwarderState, type ForwarderState, sweepForwarder } from '../../forwarding/state.ts';
import { queryXdp } from '../../linux/bpf/query.ts';
import { bootTimeMs } from '../../linux/clock.ts';
import { awaitGracePeriod } from '../../linux/grace-period.ts';
import { type Link, listLinks } from '../../linux/netlink/devices/link.ts';
import type { NetlinkSocket } from '../../linux/netlink/socket.ts';
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
import { imageFlows } from '../image-flows.ts';
import { learnFlows } from '../learn-flows.ts';
import { refuseUnsupported } from '../refuse-unsupported.ts';
import type { CheckNetwork } from './checks/check-network.ts';
import { CheckRegistry } from './checks/check-registry.ts';
import { CheckWords } from './checks/check-words.ts';
import { TunnelConnector } from './checks/tunnel-connector.ts';
import { fastPathSentBy, planeCounters } from './counters.ts';
import { type Drift, DriftWatch } from './drift-watch.ts';
import { RealPaths } from './paths/real-paths.ts';
import { WaysOut } from './paths/ways-out.ts';
import type { PinnedFastPath } from './pins/pins.ts';
import { HandOver } from './tap/hand-over.ts';
import { SlowPath } from './tap/slow-path.ts';
import { removeTap } from './tap/tap-device.ts';
import type { TapWay } from './tap/tap-way.ts';
import { GroupMemberships } from './vips/group-memberships.ts';
import { HostAddresses } from './vips/host-addresses.ts';
import { type Ingress, Ingresses } from './vips/ingresses.ts';
import { LocalVips } from './vips/local-vips.ts';
import { attachTarget } from './vips/require-interface.ts';
import { VipAnnouncer } from './vips/vip-announcer.ts';

export interface XdpPlaneParts {
  readonly netlink: NetlinkSocket;
  /** The interfaces on which clients' packets arrive, at least one. */
  readonly ingresses: readonly Ingress[];
  /** The devices by which the fast path hands over packets and answers to checks. */
  readonly way: TapWay;
  readonly answers: TapWay;
  readonly checkNetwork: CheckNetwork;
  readonly fastPath: PinnedFastPath;
  /** The place where the fast path is pinned. */
  readonly place: Disposable;
  readonly onEvent: PlaneEventListener;
}

/** Packets in 100 ms at least: about half of what one core decides, so that checks and changes get their turn. */
const SLOW_PATH_BUDGET = { opening: 3000, neighbour: 100, other: 2000, answer: 4000 } as const;
/** Less than the second after which a client repeats its SYN; more than a busy daemon is late. */
const PATIENCE_TICKS = 5;
const SWEEP_INTERVAL_MS = 1000;
/** The index of lo in every network namespace. */
const LOOPBACK = 1;
const PROBE_INTERVAL_MS = 250;
const DRIFT_INTERVAL_MS = 10_000;
const LOCAL_INTERVAL_MS = 1000;

/** XDP program and slow path on some interfaces. What forwards is pinned: the object is only its control. */
export class XdpPlane implements DataPlane {
  readonly kind = 'xdp';
  readonly connector: CheckConnector;
  readonly #parts: XdpPlaneParts;
  readonly #image: ForwardingImage;
  readonly #forwarder: ForwarderState;
  readonly #ingresses: Ingresses;
  readonly #paths: RealPaths;
  readonly #handOver: HandOver;
  readonly #drift: DriftWatch;
  readonly #groups: GroupMemberships;
  readonly #announcer: VipAnnouncer;
  readonly #running = new DisposableStack();
  #slowPath: SlowPath | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  /** The table that was applied last. */
  #table: ForwardingTable | undefined;
  #lostIsDue = false;
  #sweepUnderWay: Generator<void> | undefined;

  constructor(parts: XdpPlaneParts) {
    this.#parts = parts;
    const { netlink, way, answers, checkNetwork, fastPath, onEvent } = parts;
    const { memory, counters } = fastPath.image;
    const image = new ForwardingImage(memory, {
      realAdded: (index) => counters.clearOverCpus(index),
      settle: awaitGracePeriod,
    });
    this.#image = image;
    image.setNow(nowTick());
    const handOver = new HandOver(fastPath.image.handOver, SLOW_PATH_BUDGET);
    this.#handOver = handOver;
    handOver.setAnswersIfIndex(answers.ifIndex);
    image.setSlowPathIfIndex(way.ifIndex);
    image.setSlowPathBudget(SLOW_PATH_BUDGET);
    image.setPatience(PATIENCE_TICKS);
    this.#running.use(new HostAddresses(netlink, (addresses) => image.setHostAddresses(addresses)));
    this.#forwarder = createForwarder(image, parts);
    const forwarder = this.#forwarder;
    const onChange = (): void => this.#followInterfaces();
    this.#ingresses = new Ingresses({ ...parts, forwarder, onChange });
    this.#groups = this.#running.use(new GroupMemberships());
    const links = (): Link[] => this.#ingresses.links();
    this.#announcer = this.#running.use(new VipAnnouncer({ netlink, links, claims: () => image.claims() }));
    this.#followInterfaces();
    const { pathMtus } = forwarder;
    this.#paths = this.#followPaths(pathMtus);
    const onFailure = (reason: string): void => {
      onEvent({ type: 'warning', message: `rare packets and checks through the tunnel are lost: ${reason}` });
      setImmediate(() => this.mendDrift());
    };
    const slowPath = this.#running.use(
      new SlowPath({
        way,
        ingresses: this.#ingresses,
        forwarder,
        checks: { network: checkNetwork, answers, seen: this.#seen() },
        onDrained: (nowMs) => handOver.drained(nowMs),
        onFailure,
      }),
    );
    this.#slowPath = slowPath;
    this.#repeat(PROBE_INTERVAL_MS, () => slowPath.probePaths());
    this.#repeat(TICK_MS, () => {
      image.setNow(nowTick());
      slowPath.readOn();
    });
    this.#drift = new DriftWatch(
      [() => this.#mendImage(), () => this.#mendProgram(), () => this.#mendWays()],
      onEvent,
    );
    this.#repeat(DRIFT_INTERVAL_MS, () => this.mendDrift());
    this.connector = this.#running.use(
      new TunnelConnector({
        network: checkNetwork,
        sourceTo: (target) => this.#paths.sourceTo(target),
        ownAddress: (target) => this.#paths.ownAddress(target),
        checks: new CheckRegistry(forwarder, new CheckWords(fastPath.image.checkWords)),
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
    this.#paths.refuseOnlySources(table);
    this.#paths.refuseNarrow(table);
    const summary = this.#image.apply(withoutLost(table, this.#forwarder.lostReals), nowTick());
    this.#table = table;
    if (summary.reals.added + summary.reals.removed > 0) this.#paths.follow();
    else this.#paths.followLocal();
    this.#parts.fastPath.commit();
    // Sweeps begin with the first table, which has the timeouts.
    if (this.#sweeper === undefined) this.#sweeper = this.#repeat(SWEEP_INTERVAL_MS, () => this.#sweep());
    this.#followVips();
    return summary;
  }

  async useInterfaces(names: readonly string[]): Promise<void> {
    await this.#ingresses.use(names, listLinks(this.#parts.netlink));
  }

  mendDrift(): void {
    // Before the first table the content is an earlier run's, and the table corrects it.
    if (this.#sweeper !== undefined && !this.#running.disposed) this.#drift.look();
  }

  services(): readonly Service[] {
    return this.#image.services();
  }

  keyInUse(): Uint8Array | undefined {
    return this.#image.keyInUse();
  }

  async counters(): Promise<PlaneCounters> {
    return planeCounters(this.#image, this.#parts.fastPath.image.counters, this.#forwarder.lostReals);
  }

  flows(filter?: FlowFilter): AsyncIterable<FlowRecord> {
    return imageFlows(this.#image, nowTick(), filter);
  }

  learn(flows: Iterable<KnownFlow>): LearnSummary {
    return learnFlows(this.#image, flows, nowTick());
  }

  explain(packet: Uint8Array): Explanation {
    return explain(packet, this.#ingresses.forwarderAt(0), bootTimeMs());
  }

  async close(): Promise<void> {
    this.#stop();
    this.#parts.fastPath[Symbol.dispose]();
    await this.#release();
  }

  async remove(): Promise<void> {
    this.#stop();
    this.#parts.fastPath.remove();
    this.#parts.way[Symbol.dispose]();
    removeTap(this.#parts.netlink, this.#parts.way.name);
    await this.#release();
  }

  /** Keeps the way in each real's entry up to date. */
  #followPaths(pathMtus: PathMtus): RealPaths {
    const { netlink, way, answers, fastPath, onEvent } = this.#parts;
    const image = this.#image;
    const ingresses = (): number[] => this.#ingresses.links().map(({ index }) => index);
    const warn = (message: string): void => onEvent({ type: 'warning', message });
    const waysOut = this.#running.use(
      new WaysOut({
        ingresses,
        sentBy: (ifIndex) => fastPathSentBy(image, fastPath.image.counters, ifIndex),
        lost: (frames) => image.countReason('xdp-lost', frames),
        warn,
      }),
    );
    const localVips = new LocalVips({
      netlink,
      deviceIndex: () => way.ifIndex,
      silent: () => [way.ifIndex, answers.ifIndex, ...ingresses()],
      warn,
    });
    this.#repeat(LOCAL_INTERVAL_MS, () => localVips.refresh());
    return this.#running.use(
      new RealPaths({
        image,
        pathMtus,
        netlink,
        waysOut,
        localVips,
        onEvent,
        lost: this.#forwarder.lostReals,
        onLost: () => this.#passOverLost(),
      }),
    );
  }

  /** Excludes reals without a way from new flows while others have one; once for all that change together. */
  #passOverLost(): void {
    if (this.#lostIsDue) return;
    this.#lostIsDue = true;
    setImmediate(() => {
      this.#lostIsDue = false;
      if (this.#table === undefined || this.#running.disposed) return;
      this.#image.apply(withoutLost(this.#table, this.#forwarder.lostReals), nowTick());
    });
  }

  #followInterfaces(): void {
    const links = this.#ingresses.links();
    const { netlink, fastPath, checkNetwork, onEvent } = this.#parts;
    if (links.length > 0) checkNetwork.setLinkMtu(leastMtu(links));
    this.#slowPath?.follow(this.#seen());
    const parents = new Set(listLinks(netlink).flatMap(({ vlan }) => vlan?.parentIndex ?? []));
    fastPath.vlanOffloads.turnOff(links, parents, (message) => onEvent({ type: 'warning', message }));
    this.#followVips();
  }

  /** Returns the interfaces where the fast path takes answers, and those on which none arrives. */
  #seen(): number[] {
    return [LOOPBACK, ...this.#ingresses.links().map(({ index }) => index)];
  }

  #mendImage(): Drift[] {
    return this.#image
      .mendDrift()
      .map((found) => ({ found: `others wrote to ${found}`, done: 'put back', mended: true }));
  }

  #mendProgram(): Drift[] {
    const present = listLinks(this.#parts.netlink);
    return this.#parts.fastPath.mend(this.#ingresses.links().map((link) => attachTarget(link, present)));
  }

  #mendWays(): Drift[] {
    const { way, answers } = this.#parts;
    const drift = [...way.mend(), ...answers.mend()];
    if (drift.length > 0) {
      this.#image.setSlowPathIfIndex(way.ifIndex);
      this.#handOver.setAnswersIfIndex(answers.ifIndex);
    }
    return drift;
  }

  /** Answers for the VIPs as far as the host itself has to. */
  #followVips(): void {
    const claimed = [...this.#image.claims()].flatMap(([vip, claim]) => (claim === 'always' ? [vip] : []));
    this.#groups.set(
      claimed,
      this.#ingresses.links().map(({ index }) => index),
    );
    // Before the first table the VIPs are an earlier run's.
    if (this.#sweeper !== undefined) this.#announcer.update();
  }

  #stop(): void {
    this.#running.dispose();
  }

  async #release(): Promise<void> {
    const { way, answers, checkNetwork, place } = this.#parts;
    for (const part of [way, answers, checkNetwork, place]) part[Symbol.dispose]();
    await this.#ingresses[Symbol.asyncDispose]();
    this.#parts.netlink.close();
  }

  #repeat(intervalMs: number, work: () => void): NodeJS.Timeout {
    const timer = setInterval(work, intervalMs);
    timer.unref();
    this.#running.defer(() => clearInterval(timer));
    return timer;
  }

  /** Sweeps in steps of a few milliseconds, so that packets, checks and changes get their turn while a full table is swept. */
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
