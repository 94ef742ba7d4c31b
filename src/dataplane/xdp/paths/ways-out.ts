// The interfaces that the fast path can send by, proven by probes.
import { queryXdp } from '../../../linux/bpf/query.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';
import { XdpFeatures } from '../../../linux/netlink/devices/xdp-features.ts';
import { xdpErrors } from '../xdp-errors.ts';
import { isTotal, type Loss, LossWatch } from './loss-watch.ts';
import { WayProbe } from './way-probe.ts';

/**
 * The way in which the fast path sends by an interface: `transmit` sends packets that arrived there back with XDP_TX and
 * redirects all others, `redirect` redirects everything.
 */
export type WayOut = 'transmit' | 'redirect';

export interface WaysOutOptions {
  /** Indices of the interfaces that packets come in by now. */
  readonly ingresses: () => readonly number[];
  /** Frames that the fast path has given to an interface so far. */
  readonly sentBy: (ifIndex: number) => number;
  /** Called with the number of frames that an adapter could not send. */
  readonly lost: (frames: number) => void;
  readonly warn: (message: string) => void;
}

interface Known {
  readonly link: Link;
  readonly losses: LossWatch;
  way: WayOut | undefined;
  /** Until this time the way is closed, as it was found to lose everything. */
  closedUntilMs: number;
  closedForMs: number;
  /** True if the operator was warned of losses that continue. */
  warned: boolean;
}

const PROBE_INTERVAL_MS = 10_000;
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 600_000;

/**
 * Determines which interfaces the fast path can send by. The kernel silently drops what XDP sends to a driver that does not take
 * it, so each way out is proven by a frame sent there, and watched by the adapter's error counters.
 */
export class WaysOut implements Disposable {
  readonly #features = new XdpFeatures();
  readonly #probe = new WayProbe();
  readonly #options: WaysOutOptions;
  readonly #known = new Map<number, Known>();
  #probeAtMs = 0;

  constructor(options: WaysOutOptions) {
    this.#options = options;
  }

  /** Returns the way out by a link, as found at the first call or by the last `refresh`; undefined if XDP cannot send there. */
  way(link: Link): WayOut | undefined {
    const known = this.#known.get(link.index);
    if (known !== undefined && known.link.name === link.name) return known.way;
    const { index, name } = link;
    const losses = new LossWatch({
      errors: () => xdpErrors(name),
      sent: () => this.#options.sentBy(index),
    });
    const fresh = { link, losses, closedUntilMs: 0, closedForMs: FIRST_PAUSE_MS, warned: false };
    const way = this.#ask(link, true);
    this.#known.set(index, { ...fresh, way });
    if (way === undefined) this.#warnOfRefusal(link);
    return way;
  }

  /** Makes the next `refresh` send probes, as links have changed. */
  expire(): void {
    this.#probeAtMs = 0;
  }

  /** Checks all known ways; call it about every second. Returns true if anything has changed. */
  refresh(): boolean {
    const nowMs = performance.now();
    const probes = nowMs >= this.#probeAtMs;
    if (probes) this.#probeAtMs = nowMs + PROBE_INTERVAL_MS;
    const changes = [...this.#known.values()].map((known) => this.#look(known, nowMs, probes));
    return changes.includes(true);
  }

  [Symbol.dispose](): void {
    this.#features[Symbol.dispose]();
    this.#probe[Symbol.dispose]();
  }

  #look(known: Known, nowMs: number, probes: boolean): boolean {
    const before = known.way;
    const loss = known.losses.look();
    if (loss !== undefined) this.#weigh(known, loss, nowMs);
    else known.warned = false;
    // A way that is switched off by its own features is asked about again each second, by a probe if features do not tell.
    const answer = this.#ask(known.link, probes || before === undefined);
    known.way = nowMs < known.closedUntilMs ? undefined : answer;
    if (known.way === before) return false;
    if (known.way !== undefined && before === undefined) {
      this.#options.warn(`XDP can send through ${known.link.name} again: the fast path forwards there`);
    } else if (known.way === undefined && nowMs >= known.closedUntilMs) {
      this.#warnOfRefusal(known.link);
    }
    return true;
  }

  #ask(link: Link, probes: boolean): WayOut | undefined {
    const { index, kind } = link;
    // In generic mode the kernel sends to any device.
    const natives = this.#options.ingresses().filter((ingress) => queryXdp(ingress)?.mode === 'native');
    // A frame sent by XDP_TX on a veth device is lost, or waits, unless its other end has a program. Redirection only needs that end
    // to poll, and can be proven.
    const isVeth = kind === 'veth';
    const redirects = natives.some((ingress) => isVeth || ingress !== index);
    if (!redirects) return 'transmit';
    if (this.#features.isRedirectTarget(index) === false) return undefined;
    if (probes && this.#probe.leaves(link) === false) return undefined;
    return isVeth ? 'redirect' : 'transmit';
  }

  #weigh(known: Known, loss: Loss, nowMs: number): void {
    this.#options.lost(loss.frames);
    const { name } = known.link;
    const rate = loss.sent === undefined ? `${loss.frames} frames` : `${loss.frames} of ${loss.sent} frames`;
    if (isTotal(loss)) {
      known.closedUntilMs = nowMs + known.closedForMs;
      const pauseS = known.closedForMs / 1000;
      known.closedForMs = Math.min(2 * known.closedForMs, LONGEST_PAUSE_MS);
      this.#options.warn(
        `${name} lost ${rate} that XDP sent in the last second: the slow path sends there for ${pauseS} s, ` +
          `then the fast path tries again. See "ethtool -S ${name}"`,
      );
    } else if (!known.warned) {
      known.warned = true;
      this.#options.warn(
        `${name} lost ${rate} that XDP sent in the last second: see its XDP error counters in "ethtool -S ${name}"`,
      );
    }
  }

  #warnOfRefusal({ name, kind }: Link): void {
    const fix =
      kind === 'veth'
        ? 'fix: attach an XDP program to its other end, or run "ethtool -K NAME gro on" there'
        : 'many adapters need an XDP program of their own before they take such frames';
    this.#options.warn(`XDP cannot send through ${name}: the slow path sends there, which is slower; ${fix}`);
  }
}
