// The rotation of an HTTP check through its URLs.
import type { HttpProbeConfig } from '../../../contract/checks/probe-config.ts';
import type { ProbeContext, Unfinished } from '../../probe.ts';
import { probeUrl } from './http.ts';

/**
 * keepalived's way with several URLs: while all is well each attempt fetches one of them in turn; one that fails is
 * tried until it passes, and then all have to, from the first one on.
 */
export class UrlRotation {
  readonly #config: HttpProbeConfig;
  #next = 0;
  /** The number of passed attempts in a row, since the URL that failed has passed. */
  #passed = 0;
  #failed = false;

  constructor(config: HttpProbeConfig) {
    this.#config = config;
  }

  async run(context: ProbeContext): Promise<Unfinished | undefined> {
    const { urls, fastRecovery } = this.#config;
    const url = urls[this.#next];
    if (url === undefined) return undefined;
    try {
      await probeUrl(this.#config, url, context);
    } catch (error) {
      this.#passed = 0;
      this.#failed = true;
      throw error;
    }
    const isBack = this.#failed && !context.up;
    this.#failed = false;
    this.#next = isBack ? 0 : (this.#next + 1) % urls.length;
    this.#passed = isBack ? 0 : this.#passed + 1;
    if (context.up || this.#passed >= urls.length) return undefined;
    return { more: fastRecovery ? 'now' : 'later' };
  }
}
