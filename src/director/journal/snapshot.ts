// A world as a value that fits in a line of the journal, and back.

import { documentText, type LoadedConfig } from '../../config/load/loaded-config.ts';
import { readDocument } from '../../config/load/read-document.ts';
import { healthBy } from '../../health/real-health.ts';
import { liveWeight } from '../world/live-weight.ts';
import { buildModel, type ModelReal, type ModelService } from '../world/model.ts';
import type { QuorumState } from '../world/quorum.ts';
import { serviceEntry } from '../world/service-entry.ts';
import {
  type CheckWorld,
  emptyWorld,
  type RealWorld,
  type ServiceWorld,
  type World,
} from '../world/world.ts';

/** A world without what follows from the rest of it. What a world gets one day is in its snapshots, too. */
export interface Snapshot extends Omit<World, 'running' | 'model' | 'services' | 'table'> {
  /** The configurations by their revisions, each as the text of its document. */
  readonly documents: Readonly<Record<string, string>>;
  /** Revisions. */
  readonly file: string;
  readonly current: string;
  readonly trial: { readonly before: string; readonly deadlineMs: number } | undefined;
  /** In the order of the configuration. */
  readonly services: readonly {
    readonly quorum: QuorumState;
    /** For each real its checks in the order of the configuration. */
    readonly reals: readonly (readonly Pick<CheckWorld, 'state' | 'shortage'>[])[];
  }[];
}

export function takeSnapshot(world: World): Snapshot {
  const { running, model: _model, services: all, table: _table, ...own } = world;
  const { file, current, trial } = running;
  const configurations = [file, current, ...(trial === undefined ? [] : [trial.before])];
  const services = all.map(({ quorum, reals }) => ({
    quorum,
    reals: reals.map(({ checks }) => checks.map(({ state, shortage }) => ({ state, shortage }))),
  }));
  return {
    ...own,
    documents: Object.fromEntries(configurations.map((one) => [one.revision, documentText(one.document)])),
    file: file.revision,
    current: current.revision,
    trial: trial && { before: trial.before.revision, deadlineMs: trial.deadlineMs },
    services,
  };
}

/** @throws Error if the snapshot is damaged, or its configuration is none for this version of culvert */
export function restoreWorld(snapshot: Snapshot): World {
  const { documents, file, current: revision, trial, services: found, ...own } = snapshot;
  const { byHand } = own;
  const read = configReader(documents);
  const current = read(revision);
  const running = {
    current,
    file: read(file),
    trial: trial && { before: read(trial.before), deadlineMs: trial.deadlineMs },
  };
  const model = buildModel(current.config);
  const empty = emptyWorld(own.hashKey, running);
  const services = model.services.map((service, index) =>
    restoreService(service, required(found[index]), { byHand, model }),
  );
  const table = { ...empty.table, services: services.map(({ entry }) => entry) };
  return { ...empty, ...own, model, services, table };
}

/** Reads each configuration once. */
function configReader(documents: Snapshot['documents']): (revision: string) => LoadedConfig {
  const known = new Map<string, LoadedConfig>();
  return (revision) => {
    const loaded = known.get(revision) ?? readDocument(JSON.parse(required(documents[revision])));
    known.set(revision, loaded);
    return loaded;
  };
}

function restoreService(
  service: ModelService,
  { quorum, reals: found }: Snapshot['services'][number],
  { byHand, model }: Pick<World, 'byHand' | 'model'>,
): ServiceWorld {
  const reals = service.reals.map((real, index) => restoreReal(real, required(found[index])));
  const { expireQuiescentTemplate } = model.config.director;
  const context = { byHand, expireQuiescentTemplate };
  const entry = serviceEntry({ service, reals, quorum }, context, undefined);
  return { service, reals, quorum, weight: liveWeight(reals, { byHand }), entry };
}

function restoreReal(real: ModelReal, found: Snapshot['services'][number]['reals'][number]): RealWorld {
  const checks = real.checks.map(({ key, type }, index) => ({ key, type, ...required(found[index]) }));
  return { real, checks, health: healthBy(checks) };
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a snapshot that lacks a part');
  return value;
}
