// The director as a pure function: what it knows and an input come to what it knows next, and to what is to be done.
import type { LoadedConfig } from '../../config/load/loaded-config.ts';
import { EMPTY_STATE } from '../state/state-store.ts';
import { emptyWorld, type World } from '../world/world.ts';
import { Draft } from './draft.ts';
import type { Input, StepResult } from './input.ts';
import { endQuietShortages, quietDueMs } from './shortages.ts';
import { takeChecks } from './take-checks.ts';
import { forgetGone, takeConfiguration, takeStart } from './take-configuration.ts';
import { takeOverride } from './take-override.ts';
import { takePlaneEvent } from './take-plane-event.ts';

/**
 * Takes one step: returns the next world, and the events, commands and saves that follow from the input.
 * @param nowMs milliseconds since 1970
 * @throws CulvertError NOT_FOUND, USAGE: the input cannot be carried out
 */
export function step(world: World, input: Input, nowMs: number): StepResult {
  if (input.kind === 'start') return takeStart(world, input, nowMs);
  if (input.kind === 'configure') return takeConfiguration(world, input, nowMs);
  const draft = new Draft(world, nowMs);
  if (input.kind === 'override') takeOverride(draft, input);
  if (input.kind === 'checks') takeChecks(draft, input.results);
  if (input.kind === 'plane') takePlaneEvent(draft, input.event);
  if (input.kind === 'confirm') takeConfirmation(draft);
  if (input.kind === 'tick') takeTick(draft);
  return draft.finish();
}

/** Returns the time of the next `tick` that changes something; undefined while nothing waits for one. */
export function nextTickMs({ shortages }: World): number | undefined {
  return quietDueMs(shortages);
}

/** Returns the world of a director that has just started with a configuration: every real is up unless it has to prove itself. */
export function startedWorld(loaded: LoadedConfig, hashKey: Uint8Array): World {
  const running = { file: loaded, current: loaded, trial: undefined };
  const input = { kind: 'start', state: EMPTY_STATE, forwarded: [] } as const;
  return takeStart(emptyWorld(hashKey, running), input, 0).world;
}

function takeConfirmation(draft: Draft): void {
  draft.change({ running: { ...draft.world.running, trial: undefined } });
  draft.change(forgetGone(draft.world));
  draft.event('info', 'confirm', 'the applied configuration is confirmed');
  draft.save();
}

function takeTick(draft: Draft): void {
  const { shortages, events } = endQuietShortages(draft.world.shortages, draft.nowMs);
  draft.change({ shortages });
  draft.report(events);
}
