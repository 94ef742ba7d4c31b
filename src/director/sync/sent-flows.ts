// Remembers what a master has sent of each entry of the flow memory, to find what is new or due again.
import type { ScannedFlow } from '../../forwarding/image/forwarding-image.ts';
import { FLOW_STATE } from '../../forwarding/image/tables/layout.ts';

/** The states that kernel IPVS sends too: no half-open flows, which a flood would fill the backups with. */
const SENT_STATES: ReadonlySet<number> = new Set([
  FLOW_STATE.established,
  FLOW_STATE.finWait,
  FLOW_STATE.timeWait,
  FLOW_STATE.close,
  FLOW_STATE.udp,
  FLOW_STATE.template,
  FLOW_STATE.assuredTemplate,
  FLOW_STATE.sctpEstablished,
  FLOW_STATE.sctpShutdown,
  FLOW_STATE.sctpClosed,
]);

/** For each entry what was sent of it, as 32 bits, and when. Changed flows come before those that are due again. */
export class SentFlows {
  readonly #sent: Uint32Array;
  readonly #ticks: Uint32Array;
  readonly #periodTicks: number;

  /** @param entries of the flow memory */
  constructor(entries: number, periodTicks: number) {
    this.#sent = new Uint32Array(entries);
    this.#ticks = new Uint32Array(entries);
    this.#periodTicks = periodTicks;
  }

  /** Returns a filter for one pass over the memory; what passes counts as sent. @param most flows of this pass */
  pass(nowTick: number, most: number): (flow: Readonly<ScannedFlow>) => boolean {
    let left = most;
    const dueUntil = most / 2;
    return (flow) => {
      if (left === 0 || !SENT_STATES.has(flow.state)) return false;
      const way = flow.at / 2;
      const mark = markOf(flow);
      const isNew = this.#sent[way] !== mark;
      const isDue = ((nowTick - (this.#ticks[way] as number)) | 0) >= this.#periodTicks;
      if (!isNew && !(isDue && left > dueUntil)) return false;
      this.#sent[way] = mark;
      this.#ticks[way] = nowTick;
      left--;
      return true;
    };
  }
}

/** Returns a number that differs, most likely, for another flow, real or state. A flow that it does not tell is sent when due. */
function markOf({ client, clientPort, serviceIndex, low }: Readonly<ScannedFlow>): number {
  const place = Math.imul(client, 0x9e3779b1) ^ Math.imul((clientPort << 16) | serviceIndex, 0x85ebca6b);
  return (place ^ low) >>> 0;
}
