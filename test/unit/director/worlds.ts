// Worlds of directors, for tests of the step.
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import { type DirectorState, EMPTY_STATE } from '../../../src/director/state/state-store.ts';
import type { ChecksInput, Input } from '../../../src/director/step/input.ts';
import { step } from '../../../src/director/step/step.ts';
import { allReals, emptyWorld, type FoundHealth, type World } from '../../../src/director/world/world.ts';
import type { Service } from '../../../src/forwarding/forwarding-table.ts';
import { formatIp } from '../../../src/net/address/ip-address.ts';

export const HASH_KEY: Uint8Array = new Uint8Array(16);
export const UP: FoundHealth = {
  up: true,
  sinceMs: 0,
  failures: 0,
  lastError: undefined,
  weight: undefined,
  presumed: false,
};
export const DOWN: FoundHealth = { ...UP, up: false, failures: 1, lastError: 'connection refused' };

export interface Former {
  readonly state?: Partial<DirectorState>;
  readonly forwarded?: readonly Service[];
}

/** The world after a start with this YAML. */
export function begin(yaml: string, { state = {}, forwarded = [] }: Former = {}): World {
  const loaded = parseYaml(yaml, 'culvert.yaml');
  const empty = emptyWorld(HASH_KEY, { file: loaded, current: loaded, trial: undefined });
  return step(empty, { kind: 'start', state: { ...EMPTY_STATE, ...state }, forwarded }, 0).world;
}

export function after(world: World, ...inputs: readonly Input[]): World {
  return inputs.reduce((now, input) => step(now, input, 0).world, world);
}

export function reloaded(world: World, yaml: string): World {
  const loaded = parseYaml(yaml, 'culvert.yaml');
  return after(world, { kind: 'configure', verb: 'reload', loaded });
}

/** The results of checks that take the reals of these addresses out and bring all others in. */
export function results(world: World, down: readonly string[]): ChecksInput {
  const found = allReals(world).flatMap(({ real, checks }) => {
    const state = down.includes(formatIp(real.config.address)) ? DOWN : UP;
    return checks.map(({ key }) => ({ key, state }));
  });
  return { kind: 'checks', results: found };
}
