// The real servers that open sockets of checks are for.
import type { RealIndex } from '../../../forwarding/decision.ts';
import type { ForwardingImage } from '../../../forwarding/image/forwarding-image.ts';
import { checkKey, type ForwarderState } from '../../../forwarding/state.ts';
import { familyOf, isIpv6 } from '../../../net/address/ip-address.ts';
import { PROTOCOL } from '../../../net/headers/ipv4.ts';
import type { CheckTarget } from '../../check-connector.ts';
import type { CheckSocket, CheckWords } from './check-words.ts';

export type TunnelTarget = Extract<CheckTarget, { via: 'tunnel' }>;

/**
 * Tells the slow path which real the packets from each check's local port are for, and the fast path which answers belong to a
 * check.
 */
export class CheckRegistry {
  readonly #state: ForwarderState;
  readonly #words: CheckWords;
  /** The kernel may give a port to the next check while the one before it still lingers. */
  readonly #holders = new Map<number, symbol>();

  constructor(state: ForwarderState, words: CheckWords) {
    this.#state = state;
    this.#words = words;
  }

  /** Registers a socket and returns the function that ends that. @throws Error if the real is not configured for the VIP */
  register(check: CheckSocket, target: TunnelTarget): () => void {
    const real = realUnderTest(this.#state.image, target);
    if (real === undefined) throw new Error('the real server is not part of the service any more');
    const { protocol, localPort, source } = check;
    const number = protocol === 'icmp' && isIpv6(source) ? PROTOCOL.icmpv6 : PROTOCOL[protocol];
    const key = checkKey(number, localPort, familyOf(source));
    const holder = Symbol(key);
    this.#holders.set(key, holder);
    this.#state.ownAddresses.add(source);
    this.#state.checks.set(key, real);
    const { vip, port } = target;
    this.#words.set(check, { vip, port: protocol === 'icmp' ? 0 : port });
    return () => {
      if (this.#holders.get(key) !== holder) return;
      this.#holders.delete(key);
      this.#state.checks.delete(key);
      this.#words.clear(check);
    };
  }
}

/** Returns any entry of the real under that VIP: what is sent depends on the addresses only. */
function realUnderTest(image: ForwardingImage, { vip, port, real }: TunnelTarget): RealIndex | undefined {
  const onPort = image.findService(vip, port, 'tcp') ?? image.findService(vip, port, 'udp');
  const entry = onPort?.reals.get(real);
  if (entry !== undefined) return entry;
  for (const { service, reals } of image.serviceEntries()) {
    if (service.vip === vip && reals.has(real)) return reals.get(real);
  }
  return undefined;
}
