// Receives and decodes messages of the synchronisation protocol, within a limit of flows per second.
import type { MulticastReceiver } from '../../linux/sockets/multicast-socket.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import { decodeSyncMessage, isSyncFault, type SyncMessage } from '../../sync/sync-message.ts';
import type { SyncCounters } from './sync-counters.ts';

/** The allowance of a burst; the same comes back in a second. */
const MOST_PER_SECOND = 400_000;
/** A few milliseconds of work, between which packets, checks and changes get their turn. */
const MESSAGES_IN_A_ROW = 64;

export interface SyncReceiverParts {
  readonly socket: Pick<MulticastReceiver, 'receive'>;
  readonly counters: SyncCounters;
  /** 0: any. */
  readonly syncId: number;
  readonly nowMs: () => number;
  readonly onMessage: (message: SyncMessage, source: IpAddress) => void;
}

/** Hands on the messages of one syncid. Malformed messages and those of others are counted, and change nothing. */
export class SyncReceiver {
  readonly #parts: SyncReceiverParts;
  #allowance = MOST_PER_SECOND;
  #filledMs: number;

  constructor(parts: SyncReceiverParts) {
    this.#parts = parts;
    this.#filledMs = parts.nowMs();
  }

  /** Reads some of what has come. */
  read(): void {
    this.#refill();
    for (let left = MESSAGES_IN_A_ROW; left > 0; left--) {
      const datagram = this.#parts.socket.receive();
      if (datagram === undefined) return;
      this.#take(datagram.payload, datagram.source);
    }
  }

  #take(payload: Uint8Array, source: IpAddress): void {
    const { counters, syncId, onMessage } = this.#parts;
    counters.receivedMessages++;
    const message = decodeSyncMessage(payload);
    if (isSyncFault(message)) {
      counters.malformedMessages++;
      return;
    }
    if (syncId !== 0 && message.syncId !== syncId) {
      counters.foreignMessages++;
      return;
    }
    const { connections, skipped } = message;
    counters.skipped += skipped;
    if (connections.length > this.#allowance) {
      counters.overLimit += connections.length;
      return;
    }
    this.#allowance -= connections.length;
    onMessage(message, source);
  }

  #refill(): void {
    const nowMs = this.#parts.nowMs();
    const more = ((nowMs - this.#filledMs) / 1000) * MOST_PER_SECOND;
    this.#allowance = Math.min(MOST_PER_SECOND, this.#allowance + more);
    this.#filledMs = nowMs;
  }
}
