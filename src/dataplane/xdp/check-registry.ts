import type { RealIndex } from '../../forwarding/decision.ts';
import type { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import type { ForwarderState } from '../../forwarding/state.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import type { CheckTarget } from '../check-connector.ts';

export type TunnelTarget = Extract<CheckTarget, { via: 'tunnel' }>;

/** Tells the slow path which real server the packets from each check's local port are for. */
export class CheckRegistry {
  readonly #state: ForwarderState;
  /** The kernel may give a port to the next check while the one before it still lingers. */
  readonly #holders = new Map<number, symbol>();

  constructor(state: ForwarderState) {
    this.#state = state;
  }

  /** Returns how to end it. @throws Error when the real is not configured for the VIP. */
  register(
    check: { readonly localPort: number; readonly source: Ipv4Address },
    target: TunnelTarget,
  ): () => void {
    const real = realUnderTest(this.#state.image, target);
    if (real === undefined) throw new Error('the real server is not part of the service any more');
    const { localPort, source } = check;
    const holder = Symbol(localPort);
    this.#holders.set(localPort, holder);
    this.#state.ownAddresses.add(source);
    this.#state.checks.set(localPort, real);
    return () => {
      if (this.#holders.get(localPort) !== holder) return;
      this.#holders.delete(localPort);
      this.#state.checks.delete(localPort);
    };
  }
}

/** Any entry of the real under that VIP will do: what is sent depends on the addresses alone. */
function realUnderTest(image: ForwardingImage, { vip, port, real }: TunnelTarget): RealIndex | undefined {
  const onPort = image.findService(vip, port, 'tcp') ?? image.findService(vip, port, 'udp');
  const entry = onPort?.reals.get(real);
  if (entry !== undefined) return entry;
  for (const { service, reals } of image.serviceEntries()) {
    if (service.vip === vip && reals.has(real)) return reals.get(real);
  }
  return undefined;
}
