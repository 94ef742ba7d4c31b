import { isDeepStrictEqual } from 'node:util';
import type { CulvertConfig, DirectorConfig } from '../config/config.ts';
import type { ReloadSummary } from './control.ts';
import type { Model, ModelReal, ModelService } from './model.ts';

/** What a reload changes, in numbers. The reals of added and removed services count too. */
export function countChanges(before: Model, after: Model): Omit<ReloadSummary, 'applyMs'> {
  const services = compare(
    new Map(before.services.map((service) => [service.name, service])),
    new Map(after.services.map((service) => [service.name, service])),
    sameService,
  );
  const reals = compare(before.reals, after.reals, sameReal);
  return {
    servicesAdded: services.added,
    servicesChanged: services.changed,
    servicesRemoved: services.removed,
    realsAdded: reals.added,
    realsChanged: reals.changed,
    realsRemoved: reals.removed,
  };
}

function compare<Item>(
  before: ReadonlyMap<string, Item>,
  after: ReadonlyMap<string, Item>,
  same: (a: Item, b: Item) => boolean,
): { added: number; changed: number; removed: number } {
  let [added, changed] = [0, 0];
  for (const [name, item] of after) {
    const old = before.get(name);
    if (old === undefined) added++;
    else if (!same(old, item)) changed++;
  }
  return { added, changed, removed: before.size + added - after.size };
}

function sameService(a: ModelService, b: ModelService): boolean {
  return isDeepStrictEqual(a.config, b.config);
}

function sameReal(a: ModelReal, b: ModelReal): boolean {
  return isDeepStrictEqual(a.config, b.config);
}

const NEEDS_RESTART = [
  'plane',
  'instance',
  'hashSeed',
  'capacity',
  'listen',
  'stateDirectory',
  'runDirectory',
] as const satisfies readonly (keyof DirectorConfig)[];

/** Settings that differ and that a running director cannot take on. */
export function settingsForRestart(before: CulvertConfig, after: CulvertConfig): string[] {
  return NEEDS_RESTART.filter((name) => !isDeepStrictEqual(before.director[name], after.director[name])).map(
    (name) => `director.${name}`,
  );
}
