// The interfaces that VIP traffic reaches, with their attachments.
import type { ForwarderState } from '../../../forwarding/state.ts';
import type { Link } from '../../../linux/netlink/devices/link.ts';
import { NetworkMonitor } from '../../../linux/netlink/monitor.ts';
import type { PlaneEventListener } from '../../data-plane.ts';
import { InstanceLock } from '../pins/instance-lock.ts';
import type { PinnedFastPath } from '../pins/pins.ts';
import { bringsUnfinishedChecksums } from '../tap/unfinished-checksums.ts';
import { attachTarget, requireInterface } from './require-interface.ts';

/** An interface that VIP traffic reaches. */
export interface Ingress {
  readonly link: Link;
  readonly lock: InstanceLock;
}

export interface IngressesOptions {
  readonly ingresses: readonly Ingress[];
  readonly fastPath: PinnedFastPath;
  readonly forwarder: ForwarderState;
  readonly onEvent: PlaneEventListener;
  /** Called when interfaces came, went, or have another MTU, MAC address or VLAN devices. */
  readonly onChange: () => void;
}

/**
 * The interfaces that VIP traffic reaches, as they change. Provides what decisions need to know of the one on which a packet
 * arrived, and attaches the program again to interfaces that come back.
 */
export class Ingresses implements AsyncDisposable {
  readonly #options: IngressesOptions;
  readonly #present = new Map<number, Ingress>();
  readonly #states = new Map<number, ForwarderState>();
  readonly #arriving = new Set<number>();
  readonly #unfinished = new Set<number>();
  readonly #monitor: NetworkMonitor;
  #names: readonly string[];
  #closed = false;

  constructor(options: IngressesOptions) {
    this.#options = options;
    this.#names = options.ingresses.map(({ link }) => link.name);
    for (const ingress of options.ingresses) this.#take(ingress);
    this.#monitor = new NetworkMonitor((change) => {
      if (change.type === 'link') this.#follow(change.link, change.removed);
    });
  }

  /** Returns the interfaces that exist now. */
  links(): Link[] {
    return [...this.#present.values()].map(({ link }) => link);
  }

  has(ifIndex: number): boolean {
    return this.#present.has(ifIndex);
  }

  /** Returns the state for decisions about packets that arrived on an interface; for an unknown interface, that of the first. */
  forwarderAt(ifIndex: number): ForwarderState {
    return this.#states.get(ifIndex) ?? this.#states.values().next().value ?? this.#options.forwarder;
  }

  /** Returns true if packets may arrive there with unfinished checksums. */
  bringsUnfinished(ifIndex: number): boolean {
    return this.#unfinished.has(ifIndex);
  }

  /** The interface for replies to packets that arrived on an unknown one. */
  get first(): number | undefined {
    return this.#present.keys().next().value;
  }

  /**
   * Takes VIP traffic from these interfaces and no others from now on. Added ones forward before removed ones stop.
   * @throws CulvertError INTERFACE, ALREADY_RUNNING, XDP_OCCUPIED, before anything has changed
   */
  async use(names: readonly string[], links: readonly Link[]): Promise<void> {
    const wanted = names.map((name) => requireInterface(links, name));
    const added = wanted.filter(({ index }) => !this.has(index));
    await using opening = new AsyncDisposableStack();
    const ingresses: Ingress[] = [];
    for (const link of added) {
      ingresses.push({ link, lock: opening.use(await InstanceLock.take(link.name, link.index)) });
    }
    for (const link of added) {
      this.#options.fastPath.attach([attachTarget(link, links)]);
      opening.defer(() => this.#options.fastPath.detach(link.index));
    }
    opening.move();
    this.#names = names;
    for (const ingress of ingresses) this.#take(ingress);
    for (const { index } of this.links()) {
      if (wanted.some((link) => link.index === index)) continue;
      this.#options.fastPath.detach(index);
      await this.#drop(index);
    }
    this.#options.onChange();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#monitor.close();
    for (const { index } of this.links()) await this.#drop(index);
  }

  #take(ingress: Ingress): void {
    const { link } = ingress;
    this.#present.set(link.index, ingress);
    if (bringsUnfinishedChecksums(link)) this.#unfinished.add(link.index);
    // Everything except the interface's own fields is shared.
    const own = { linkMtuBytes: link.mtuBytes, interfaceMac: link.mac };
    this.#states.set(link.index, { ...this.#options.forwarder, ...own });
  }

  async #drop(ifIndex: number): Promise<void> {
    const ingress = this.#present.get(ifIndex);
    this.#present.delete(ifIndex);
    this.#states.delete(ifIndex);
    this.#unfinished.delete(ifIndex);
    await ingress?.lock.release();
  }

  #follow(link: Link, removed: boolean): void {
    const known = this.#present.get(link.index);
    if (known === undefined) {
      if (!removed && this.#names.includes(link.name)) void this.#arrive(link);
      if (link.vlan !== undefined && this.has(link.vlan.parentIndex)) this.#options.onChange();
      return;
    }
    if (removed) {
      this.#warn(`${link.name} is gone: nothing is forwarded there until it is back`);
      this.#options.fastPath.detach(link.index);
      void this.#drop(link.index);
    } else {
      const { mtuBytes, mac } = known.link;
      if (mtuBytes === link.mtuBytes && Buffer.compare(mac, link.mac) === 0) return;
      this.#take({ ...known, link });
    }
    this.#options.onChange();
  }

  /** Attaches to an interface that came back, once it is up: until then it may be renamed, or get another address. */
  async #arrive(link: Link): Promise<void> {
    const { name, index } = link;
    if (!link.up || this.#arriving.has(index)) return;
    this.#arriving.add(index);
    try {
      await using opening = new AsyncDisposableStack();
      const lock = opening.use(await InstanceLock.take(name, index));
      if (this.#closed) return;
      this.#options.fastPath.attach([attachTarget(link, [])]);
      opening.move();
      this.#take({ link, lock });
      this.#warn(`${name} is back, and forwarding continues there`);
      this.#options.onChange();
    } catch (error) {
      this.#warn(`${name} is back, but nothing is forwarded there: ${(error as Error).message}`);
    } finally {
      this.#arriving.delete(index);
    }
  }

  #warn(message: string): void {
    this.#options.onEvent({ type: 'warning', message });
  }
}
