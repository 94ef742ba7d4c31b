// The inputs of a step, and its result.
import type { LoadedConfig } from '../../config/load/loaded-config.ts';
import type { DirectorEvent } from '../../contract/api/event.ts';
import type { PlaneEvent } from '../../dataplane/data-plane.ts';
import type { Service } from '../../forwarding/forwarding-table.ts';
import type { LocalShortage } from '../../local-shortage.ts';
import type { RealSelector } from '../control.ts';
import type { DirectorState } from '../state/state-store.ts';
import type { Task } from '../world/command-tasks.ts';
import type { FoundHealth, Handling, World } from '../world/world.ts';

/** Anything that can happen to a director. */
export type Input = Fact | Request;

/** Something that has happened, whether or not the plane can follow. */
export type Fact =
  | ChecksInput
  | { readonly kind: 'plane'; readonly event: PlaneEvent }
  | { readonly kind: 'confirm' }
  | { readonly kind: 'tick' };

/** Attempts of checks have ended. Results at hand together are one input, so that a quorum is judged once. */
export interface ChecksInput {
  readonly kind: 'checks';
  readonly results: readonly CheckResult[];
}

/** A change that takes effect only if the plane takes the table that follows from it. */
export type Request = StartInput | ConfigureInput | OverrideInput;

/** The director starts. */
export interface StartInput {
  readonly kind: 'start';
  /** The state of the former run. */
  readonly state: DirectorState;
  /** The services that the plane forwards from then. */
  readonly forwarded: readonly Service[];
}

/** Another configuration is to take effect. */
export type ConfigureInput =
  | { readonly kind: 'configure'; readonly verb: 'reload'; readonly loaded: LoadedConfig }
  | {
      readonly kind: 'configure';
      readonly verb: 'apply';
      readonly loaded: LoadedConfig;
      /** It is rolled back at this time unless confirmed. Undefined: a trial that is running goes on. */
      readonly deadlineMs: number | undefined;
    }
  | { readonly kind: 'configure'; readonly verb: 'revert' };

/** An operator changes reals. */
export interface OverrideInput {
  readonly kind: 'override';
  readonly selector: RealSelector;
  readonly change: Partial<Handling>;
}

export interface CheckResult {
  readonly key: string;
  readonly state: FoundHealth;
  /** The shortage for which the attempt could not be made; it says nothing about the real. */
  readonly shortage?: LocalShortage | undefined;
}

/** The next world, with its table, and the effects of an input. */
export interface StepResult {
  readonly world: World;
  readonly events: readonly EventDraft[];
  /** Commands to run, those of one line in this order. */
  readonly commands: readonly Task[];
  /** True: the state that is kept over restarts has changed. */
  readonly saves: boolean;
}

export type EventDraft = Pick<DirectorEvent, 'level' | 'type' | 'message'>;
