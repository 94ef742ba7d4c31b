// Replays what a director did, from its journal.

import type { EventDraft, Input, StartInput } from '../step/input.ts';
import { step } from '../step/step.ts';
import type { World } from '../world/world.ts';
import { type JournalEntry, restoreInput } from './journal-entry.ts';
import type { JournalLine } from './read-journal.ts';
import { restoreWorld } from './snapshot.ts';

/** A moment at which the world of a director changed, or stopped being known. */
export type Moment = KnownMoment | Gap;

export interface KnownMoment {
  readonly kind: 'known';
  readonly atMs: number;
  readonly world: World;
  /** The input that made the world so; `started` for the first world of a run, undefined for a repeated one. */
  readonly cause: Exclude<Input, StartInput> | 'started' | undefined;
  /** The events that followed from the input. */
  readonly events: readonly EventDraft[];
}

/** From here on something is missing, until the next snapshot. */
export interface Gap {
  readonly kind: 'gap';
  readonly atMs: number;
  /** Why: a line is damaged, or the director left something out. */
  readonly damaged: boolean;
}

/** Replays lines, in their order, from the first snapshot among them. */
export function* replay(lines: Iterable<JournalLine>): Generator<Moment> {
  let world: World | undefined;
  let atMs = 0;
  for (const line of lines) {
    if (line.kind !== 'damaged') atMs = line.atMs;
    // Without a world to begin with, inputs say nothing.
    if (world === undefined && line.kind !== 'snapshot') continue;
    const moment = line.kind === 'damaged' ? damagedAt(atMs) : replayLine(line.read, world, atMs);
    world = moment.kind === 'known' ? moment.world : undefined;
    yield moment;
  }
}

function replayLine(read: () => JournalEntry, world: World | undefined, atMs: number): Moment {
  try {
    return replayEntry(read(), world);
  } catch {
    // Whatever a damaged line makes of a step.
    return damagedAt(atMs);
  }
}

function replayEntry(entry: JournalEntry, before: World | undefined): Moment {
  const { atMs } = entry;
  if (entry.kind === 'snapshot') {
    const cause = entry.started ? 'started' : undefined;
    return { kind: 'known', atMs, world: restoreWorld(entry.snapshot), cause, events: [] };
  }
  if (entry.kind === 'gap' || before === undefined) return { kind: 'gap', atMs, damaged: false };
  const input = restoreInput(entry.input, before.running.current);
  const { world, events } = step(before, input, atMs);
  return { kind: 'known', atMs, world, cause: input, events };
}

function damagedAt(atMs: number): Gap {
  return { kind: 'gap', atMs, damaged: true };
}
