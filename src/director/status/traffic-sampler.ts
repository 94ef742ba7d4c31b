// Samples the counters of a plane every two seconds.
import type { DataPlane } from '../../dataplane/data-plane.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { type TrafficAccounts, TrafficBook } from './traffic-book.ts';

/** The interval of IPVS. */
const INTERVAL_MS = 2000;

/** Keeps a book on the counters of a plane until the signal aborts. */
export class TrafficSampler {
  readonly #plane: DataPlane;
  readonly #book = new TrafficBook();

  constructor(plane: DataPlane, signal: AbortSignal) {
    this.#plane = plane;
    // A sample that fails is missed: the next one covers its time as well.
    const sample = (): void => void this.#sample(signal).catch(() => undefined);
    const timer = setInterval(sample, INTERVAL_MS).unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  get accounts(): TrafficAccounts {
    return this.#book.accounts;
  }

  /** @param names Of services. */
  async zero(names: ReadonlySet<string>): Promise<void> {
    const { services } = await this.#plane.counters();
    this.#book.zero(services.filter(({ key }) => names.has(formatServiceName(key))));
  }

  async #sample(signal: AbortSignal): Promise<void> {
    const { services } = await this.#plane.counters();
    if (!signal.aborted) this.#book.sample(services, performance.now());
  }
}
