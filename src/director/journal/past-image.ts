// The forwarding image as it was at one time in the past.
import { assumeNetwork } from '../../dataplane/assumed-network.ts';
import type { ForwardingTable } from '../../forwarding/forwarding-table.ts';
import { longestRingTimeout, timeoutTicks } from '../../forwarding/image/flows/flow-timeouts.ts';
import { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../../forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../forwarding/image/tables/memory.ts';
import type { ForwarderState } from '../../forwarding/state.ts';
import type { World } from '../world/world.ts';

/** The flow memory stays empty: the journal knows of no flows. */
const FLOWS = 4096;
/** A slot that has moved becomes stable in two sweeps at different times, if nothing holds it up. */
const SWEEPS = 3;

interface Applied {
  readonly atMs: number;
  readonly table: ForwardingTable;
}

/**
 * Makes the image as it was at one time, by applying the tables that led to it. Slots that moved within one idle timeout before have
 * their fallback. Earlier tables leave no trace, so only the last of them is applied.
 */
export class PastImage {
  readonly #untilMs: number;
  #image: ForwardingImage | undefined;
  #slots = 0;
  /** The table to apply once the next one has another tick. */
  #next: Applied | undefined;
  #originMs = 0;
  #tick = 0;

  constructor(untilMs: number) {
    this.#untilMs = untilMs;
  }

  /** The world at a time, which is not before that of the last call. */
  follow(world: World, atMs: number): void {
    const { table } = world;
    const { slots } = world.running.current.config.director.capacity;
    // Another capacity took effect at a start.
    if (slots !== this.#slots) this.#image = undefined;
    this.#slots = slots;
    if (table === this.#next?.table) return;
    const before = this.#next;
    const leavesTrace = this.#untilMs - atMs <= windowMs(table);
    if (before !== undefined && leavesTrace && this.#tickAt(atMs) > this.#tickAt(before.atMs))
      this.#apply(before);
    this.#next = { atMs, table };
  }

  /** Returns what decides by the image, and the time by its clock. */
  finish(): { readonly state: ForwarderState; readonly nowMs: number } {
    if (this.#next !== undefined) this.#apply(this.#next);
    const image = this.#image ?? this.#open(this.#untilMs);
    this.#sweepUntil(this.#tickAt(this.#untilMs));
    image.setNow(this.#tick);
    return { state: assumeNetwork(image), nowMs: this.#tick * TICK_MS };
  }

  #apply({ table, atMs }: Applied): void {
    const image = this.#image ?? this.#open(atMs);
    this.#sweepUntil(this.#tickAt(atMs));
    image.apply(table, this.#tick);
  }

  #open(atMs: number): ForwardingImage {
    this.#image = new ForwardingImage(allocateImageMemory({ slots: this.#slots, flows: FLOWS }));
    this.#originMs = atMs;
    this.#tick = 1;
    return this.#image;
  }

  /** Ends the transitions that were over by then. A clock that was set back stands still. */
  #sweepUntil(tick: number): void {
    for (let at = Math.max(this.#tick + 1, tick - SWEEPS); at < tick; at++) this.#image?.sweep(at);
    this.#tick = Math.max(this.#tick, tick);
  }

  #tickAt(atMs: number): number {
    return 1 + Math.floor((atMs - this.#originMs) / TICK_MS);
  }
}

/** The time after which a slot that has moved has no fallback any more. */
function windowMs({ timeouts }: ForwardingTable): number {
  return longestRingTimeout(timeoutTicks(timeouts)) * TICK_MS;
}
