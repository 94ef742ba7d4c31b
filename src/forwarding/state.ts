// The state of the slow path: the image, caches, limits and what is known of checks.
import type { IpAddress, IpFamily } from '../net/address/ip-address.ts';
import type { MacAddress } from '../net/headers/ethernet.ts';
import { RateLimiter } from './answers/rate-limit.ts';
import type { RealIndex } from './decision.ts';
import type { Port, ServiceKey } from './forwarding-table.ts';
import type { ForwardingImage } from './image/forwarding-image.ts';
import { FragmentStore } from './packets/fragment-store.ts';
import { Blackholes } from './path-mtu/blackhole.ts';
import { PathMtus } from './path-mtu/learned.ts';
import { PathProbes } from './path-mtu/probes.ts';

/** The state that decisions read and change. Everything except the image may be lost with the process. */
export interface ForwarderState {
  readonly image: ForwardingImage;
  /** The MTU of the interface on which clients' packets arrive. A longer TCP packet was merged on the way in. */
  readonly linkMtuBytes: number;
  readonly interfaceMac: MacAddress;
  /** The real under test for each open check socket, by the `checkKey` of its packets. */
  readonly checks: Map<number, RealIndex>;
  /** Addresses that check sockets are bound to, in addition to the outer source of the real under test. */
  readonly ownAddresses: Set<IpAddress>;
  /** Reals without a way: no route, or a next hop that does not answer. */
  readonly lostReals: Set<IpAddress>;
  readonly limits: AnswerLimits;
  readonly blackholes: Blackholes;
  readonly fragments: FragmentStore;
  readonly pathMtus: PathMtus;
  readonly pathProbes: PathProbes;
  readonly onCured: CuredListener;
}

/** Called once for each flow for which the black hole cure begins. */
export type CuredListener = (service: ServiceKey, client: IpAddress, clientPort: Port) => void;

export interface AnswerLimits {
  readonly tooBig: RateLimiter;
  /** Unreachable and time exceeded messages together, as Linux limits them. */
  readonly errors: RateLimiter;
  readonly resets: RateLimiter;
  readonly echoes: RateLimiter;
}

export interface ForwarderOptions {
  readonly image: ForwardingImage;
  readonly linkMtuBytes: number;
  readonly interfaceMac: MacAddress;
  readonly onCured?: CuredListener;
}

const CLIENTS = 8192;

export function createForwarderState(options: ForwarderOptions): ForwarderState {
  return {
    onCured: () => undefined,
    ...options,
    checks: new Map(),
    ownAddresses: new Set(),
    lostReals: new Set(),
    limits: {
      tooBig: limiter({ burst: 50, perSecond: 20 }, { burst: 2000, perSecond: 5000 }),
      errors: limiter({ burst: 6, perSecond: 1 }, { burst: 200, perSecond: 1000 }),
      resets: limiter({ burst: 50, perSecond: 20 }, { burst: 1000, perSecond: 5000 }),
      echoes: limiter({ burst: 20, perSecond: 20 }, { burst: 500, perSecond: 1000 }),
    },
    blackholes: new Blackholes({ flows: 4096, idleMs: 300_000 }),
    fragments: new FragmentStore(),
    pathMtus: new PathMtus(),
    pathProbes: new PathProbes(),
  };
}

/** Returns the key of a check's packets. @param port the local port; for ICMP the identifier of an echo request */
export function checkKey(protocol: number, port: number, family: IpFamily = 4): number {
  return (family << 24) | (protocol << 16) | port;
}

/** Forgets what has timed out. Call it about every second. */
export function sweepForwarder(state: ForwarderState, nowMs: number): void {
  state.blackholes.sweep(nowMs);
  state.fragments.sweep(nowMs);
  for (let dropped = state.fragments.takeDropped(); dropped > 0; dropped--) {
    state.image.countReason('fragment-dropped');
  }
  state.pathMtus.sweep(state.image, nowMs);
}

function limiter(
  perClient: { burst: number; perSecond: number },
  total: { burst: number; perSecond: number },
): RateLimiter {
  return new RateLimiter({ perClient, total, clients: CLIENTS });
}
