// Sends new, changed and due flows to the backups, by scanning the flow memory.
import type { DataPlane } from '../../dataplane/data-plane.ts';
import { TICK_MS } from '../../forwarding/image/tables/layout.ts';
import { encodeSyncMessages, type SyncConnection } from '../../sync/sync-message.ts';
import type { SentFlows } from './sent-flows.ts';
import type { SyncCounters } from './sync-counters.ts';
import { syncConnection } from './sync-flow.ts';

export interface SyncMasterParts {
  readonly plane: Pick<DataPlane, 'flows'>;
  readonly socket: { send(payload: Uint8Array): boolean };
  readonly sent: SentFlows;
  readonly counters: SyncCounters;
  readonly syncId: number;
  readonly nowMs: () => number;
}

/** Flows that one pass may collect; with a pass each second, the most that are sent in a second. */
const MOST_PER_PASS = 50_000;
/** Sent in one turn, so that receivers' buffers hold them: 40 flows each. */
const MESSAGES_PER_TURN = 16;

/** A pass collects what is to be sent; turns send it, a few messages each. */
export class SyncMaster {
  readonly #parts: SyncMasterParts;
  readonly #outbox: Uint8Array[] = [];
  #isScanning = false;

  constructor(parts: SyncMasterParts) {
    this.#parts = parts;
  }

  /** Collects what is to be sent, unless the former pass or its messages are still under way. */
  async scan(): Promise<void> {
    if (this.#isScanning || this.#outbox.length > 0) return;
    this.#isScanning = true;
    try {
      const { plane, sent, syncId, nowMs, counters } = this.#parts;
      const entry = sent.pass(Math.floor(nowMs() / TICK_MS), MOST_PER_PASS);
      const connections: SyncConnection[] = [];
      for await (const record of plane.flows({ entry })) {
        const connection = syncConnection(record);
        if (connection === undefined) counters.unsent++;
        else connections.push(connection);
      }
      this.#outbox.push(...encodeSyncMessages(syncId, connections));
      counters.sent += connections.length;
    } finally {
      this.#isScanning = false;
    }
  }

  /** Sends some of what was collected. @throws CulvertError KERNEL */
  send(): void {
    const { socket, counters } = this.#parts;
    for (let left = MESSAGES_PER_TURN; left > 0; left--) {
      const [message] = this.#outbox;
      if (message === undefined || !socket.send(message)) return;
      this.#outbox.shift();
      counters.sentMessages++;
    }
  }
}
