// A simulated link with an MTU and a delay.
import type { EventLoop } from './event-loop.ts';

/** Called with every packet that an end of a link sends or receives. */
export type Tap = (packet: Uint8Array, direction: 'in' | 'out', atMs: number) => void;

export interface LinkOptions {
  readonly mtuBytes: number;
  readonly latencyMs: number;
}

export const DEFAULT_LINK: LinkOptions = { mtuBytes: 1500, latencyMs: 0.05 };

/** A cable between two nodes: IP packets arrive in order after its latency, while it is up. */
export class Link {
  readonly options: LinkOptions;
  readonly ends: readonly [LinkEnd, LinkEnd];
  isUp = true;

  constructor(loop: EventLoop, options: Partial<LinkOptions> = {}) {
    this.options = { ...DEFAULT_LINK, ...options };
    this.ends = [new LinkEnd(loop, this), new LinkEnd(loop, this)];
  }
}

export class LinkEnd {
  readonly #loop: EventLoop;
  readonly #link: Link;
  readonly #taps = new Set<Tap>();
  #receiver: ((packet: Uint8Array, end: LinkEnd) => void) | undefined;

  constructor(loop: EventLoop, link: Link) {
    this.#loop = loop;
    this.#link = link;
  }

  get mtuBytes(): number {
    return this.#link.options.mtuBytes;
  }

  attach(receiver: (packet: Uint8Array, end: LinkEnd) => void): void {
    this.#receiver = receiver;
  }

  /** @throws RangeError for a packet longer than the MTU: whoever sends it has to see to that */
  send(packet: Uint8Array): void {
    if (packet.length > this.mtuBytes) {
      throw new RangeError(`a packet of ${packet.length} bytes on a link with MTU ${this.mtuBytes}`);
    }
    this.#tell(packet, 'out');
    const [first, second] = this.#link.ends;
    const peer = first === this ? second : first;
    this.#loop.schedule(this.#link.options.latencyMs, () => {
      if (this.#link.isUp) peer.#receive(packet);
    });
  }

  /** Tells of every packet until disposed of. Packets are not copied: a tap must leave them as they are. */
  tap(tap: Tap): Disposable {
    this.#taps.add(tap);
    return { [Symbol.dispose]: () => this.#taps.delete(tap) };
  }

  #receive(packet: Uint8Array): void {
    this.#tell(packet, 'in');
    this.#receiver?.(packet, this);
  }

  #tell(packet: Uint8Array, direction: 'in' | 'out'): void {
    for (const tap of this.#taps) tap(packet, direction, this.#loop.nowMs);
  }
}
