// The network as health checks use it.
import type { Duplex } from 'node:stream';
import type { CheckSource } from '../contract/checks/check-source.ts';
import type { Port } from '../forwarding/forwarding-table.ts';
import type { IpAddress } from '../net/address/ip-address.ts';

/** Where a check connects to: the VIP at one real, through the tunnel; or any address, as routing has it. */
export type CheckTarget =
  | { readonly via: 'tunnel'; readonly vip: IpAddress; readonly port: Port; readonly real: IpAddress }
  | {
      readonly via: 'direct';
      readonly address: IpAddress;
      readonly port: Port;
      readonly from?: CheckSource | undefined;
    };

/**
 * The network as checks use it. Every call rejects with an Error whose message says what the network answered
 * (`connection refused`, ...), or with the signal's reason when it aborts first.
 */
export interface CheckConnector {
  connectTcp(target: CheckTarget, signal: AbortSignal): Promise<CheckStream>;
  /** Sends a datagram and resolves with the first answer that is accepted. */
  exchangeUdp(target: CheckTarget, request: UdpRequest, signal: AbortSignal): Promise<Uint8Array>;
  /** Resolves when an echo reply has come; the target's port is of no concern. */
  ping(target: CheckTarget, signal: AbortSignal): Promise<void>;
}

/**
 * A TCP connection that has come about. Disposing ends it by a reset, which leaves no TIME_WAIT behind: thousands of
 * checks would fill the table of ports with them. The signal's abort destroys the stream with its reason.
 */
export interface CheckStream extends Disposable {
  readonly stream: Duplex;
}

export interface UdpRequest {
  readonly payload: Uint8Array;
  /** Answers that it is false of are passed over, such as late ones to an earlier question. */
  readonly accept?: (reply: Uint8Array) => boolean;
}
