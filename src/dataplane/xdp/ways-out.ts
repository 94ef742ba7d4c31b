import { queryXdp } from '../../linux/bpf/query.ts';
import type { Link } from '../../linux/netlink/link.ts';
import { XdpFeatures } from '../../linux/netlink/xdp-features.ts';

export interface WaysOutOptions {
  /** Indices of the interfaces that packets come in by now. */
  readonly ingresses: () => readonly number[];
  readonly warn: (message: string) => void;
}

/**
 * Which interfaces the fast path can send by. A frame that leaves by the interface it came in by always can; one for another
 * interface is redirected, which drivers need not support: the kernel would drop it without a word.
 */
export class WaysOut implements Disposable {
  readonly #features = new XdpFeatures();
  readonly #options: WaysOutOptions;
  readonly #known = new Map<number, boolean>();

  constructor(options: WaysOutOptions) {
    this.#options = options;
  }

  /** As it was when it was first asked for, or after the last change that `refresh` found. */
  sends({ index, name }: Link): boolean {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    const answer = this.#ask(index);
    this.#known.set(index, answer);
    if (!answer) {
      this.#options.warn(
        `XDP cannot send to ${name}, which is slower: the slow path sends what leaves there. Where it is a veth device its ` +
          'other end needs an XDP program or GRO; many adapters need an XDP program of their own',
      );
    }
    return answer;
  }

  /** True if anything is different from what it was: nobody tells of it. */
  refresh(): boolean {
    const isOther = [...this.#known].some(([ifIndex, sends]) => this.#ask(ifIndex) !== sends);
    if (isOther) this.#known.clear();
    return isOther;
  }

  [Symbol.dispose](): void {
    this.#features[Symbol.dispose]();
  }

  #ask(ifIndex: number): boolean {
    // In generic mode the kernel redirects to any device.
    const others = this.#options
      .ingresses()
      .filter((ingress) => ingress !== ifIndex && queryXdp(ingress)?.mode === 'native');
    return others.length === 0 || this.#features.isRedirectTarget(ifIndex) !== false;
  }
}
