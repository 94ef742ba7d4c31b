import type { Port } from '../forwarding/table.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';

/** Where a check connects to: the VIP at one real, through the tunnel; or any address, as routing has it. */
export type CheckTarget =
  | { readonly via: 'tunnel'; readonly vip: Ipv4Address; readonly port: Port; readonly real: Ipv4Address }
  | { readonly via: 'direct'; readonly address: Ipv4Address; readonly port: Port };

export interface CheckConnector {
  /**
   * Opens a TCP connection and closes it again.
   * Rejects with an Error whose message says what the network answered (`connection refused`, ...), or with the
   * signal's reason when it aborts first.
   */
  connectTcp(target: CheckTarget, signal: AbortSignal): Promise<void>;
}
