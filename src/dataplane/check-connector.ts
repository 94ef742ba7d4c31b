// The network as health checks use it.
import type { Duplex } from 'node:stream';
import type { CheckSource } from '../contract/checks/check-source.ts';
import type { Port } from '../forwarding/forwarding-table.ts';
import type { IpAddress } from '../net/address/ip-address.ts';

/** The destination of a check: the VIP at one real, through the tunnel, or any address by the kernel's routing. */
export type CheckTarget =
  | { readonly via: 'tunnel'; readonly vip: IpAddress; readonly port: Port; readonly real: IpAddress }
  | {
      readonly via: 'direct';
      readonly address: IpAddress;
      readonly port: Port;
      readonly from?: CheckSource | undefined;
    };

/**
 * The network as checks use it. Every call rejects with an Error whose message says what the network answered (`connection
 * refused`, ...), or with the signal's reason if it aborts first.
 */
export interface CheckConnector {
  connectTcp(target: CheckTarget, signal: AbortSignal): Promise<CheckStream>;
  /** Sends a datagram and resolves with the first answer that is accepted. */
  exchangeUdp(target: CheckTarget, request: UdpRequest, signal: AbortSignal): Promise<Uint8Array>;
  /** Resolves when an echo reply arrives. The target's port is ignored. */
  ping(target: CheckTarget, signal: AbortSignal): Promise<void>;
}

/**
 * An open TCP connection. Disposing ends it by a reset, which leaves no TIME_WAIT behind: thousands of checks would fill the
 * table of ports. An abort of the signal destroys the stream with its reason.
 */
export interface CheckStream extends Disposable {
  readonly stream: Duplex;
}

export interface UdpRequest {
  readonly payload: Uint8Array;
  /** Answers for which this returns false are skipped, for example late ones to an earlier question. */
  readonly accept?: (reply: Uint8Array) => boolean;
}
