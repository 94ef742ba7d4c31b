import type { RealIndex } from '../../forwarding/decision.ts';
import type { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import type { ForwarderState } from '../../forwarding/state.ts';
import { formatIpv4 } from '../../net/ipv4-address.ts';
import type { CheckConnector, CheckTarget } from '../check-connector.ts';
import type { Host } from './host.ts';

/**
 * Connects from the director's own host. The segments of a check through the tunnel carry the real's index as their
 * mark, by which the director's node knows where to encapsulate them to.
 */
export class SimulatedCheckConnector implements CheckConnector {
  readonly #director: Host;
  readonly #state: ForwarderState;

  constructor(director: Host, state: ForwarderState) {
    this.#director = director;
    this.#state = state;
  }

  async connectTcp(target: CheckTarget, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const connection = this.#director.tcp.connect({
      destination: target.via === 'tunnel' ? target.vip : target.address,
      port: target.port,
      ...(target.via === 'tunnel' && { mark: indexOf(this.#state.image, target) }),
      listener: {
        connected: () => resolve(),
        closed: (failure) => reject(new Error(failure ?? 'the connection was closed')),
      },
    });
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
      // A reset leaves nothing to wait for, at either end.
      connection.abort();
      if (target.via === 'tunnel') this.#state.checks.delete(connection.addresses.localPort);
    }
  }
}

/** Any entry of the real with that VIP will do: the check's port need not be the service's. */
function indexOf(image: ForwardingImage, { vip, real }: CheckTarget & { via: 'tunnel' }): RealIndex {
  for (const { service, reals } of image.serviceEntries()) {
    const index = service.vip === vip ? reals.get(real) : undefined;
    if (index !== undefined) return index;
  }
  throw new Error(`no service of ${formatIpv4(vip)} has the real ${formatIpv4(real)}`);
}
