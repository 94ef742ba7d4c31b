// Has a world follow another configuration: at the start, at a reload, an apply and a revert.
import type { ForwardingTable, ServiceName } from '../../forwarding/forwarding-table.ts';
import type { Check } from '../../health/check-identity.ts';
import { healthBy } from '../../health/real-health.ts';
import { nameReal } from '../world/event-words.ts';
import { liveState } from '../world/live-weight.ts';
import { buildModel, type Model, type ModelReal } from '../world/model.ts';
import { forwardedQuorums, type QuorumState } from '../world/quorum.ts';
import { isSame } from '../world/service-entry.ts';
import {
  allReals,
  type CheckWorld,
  type Handling,
  type RealWorld,
  type Running,
  realOf,
  type ServiceWorld,
  type World,
} from '../world/world.ts';
import {
  type FormerHealth,
  firstChecks,
  formerIn,
  formerRun,
  goneWith,
  knownDown,
} from './carried-health.ts';
import { Draft } from './draft.ts';
import type { ConfigureInput, StartInput, StepResult } from './input.ts';
import { leavingTasks } from './leaving.ts';
import { recountShortages } from './shortages.ts';

/** The first world: what the former run and the plane know, under the configuration to begin with. */
export function takeStart(empty: World, input: StartInput, nowMs: number): StepResult {
  const { overrides, drained, down, lostQuorums } = input.state;
  const ids = [...new Set([...overrides.keys(), ...drained])];
  const byHand = new Map(
    ids.map((id): [string, Handling] => [id, { weight: overrides.get(id), drained: drained.has(id) }]),
  );
  const model = buildModel(empty.running.current.config);
  const failed = [...down].filter(([id]) => !model.places.has(id));
  const gone = new Map(failed.map(([id, state]) => [id, knownDown(state)] as const));
  const draft = new Draft({ ...empty, byHand, gone }, nowMs);
  const quorums = forwardedQuorums(input.forwarded, lostQuorums);
  const former = formerRun(input, model, nowMs);
  return follow(draft, { running: empty.running, model, former, quorumOf: (name) => quorums.get(name) });
}

export function takeConfiguration(world: World, input: ConfigureInput, nowMs: number): StepResult {
  const running = runningAfter(world.running, input);
  const model = buildModel(running.current.config, world.model);
  const quorums = new Map(world.services.map(({ service, quorum }) => [service.name, quorum]));
  const former = formerIn(world, model, nowMs);
  return follow(new Draft(world, nowMs), { running, model, former, quorumOf: (name) => quorums.get(name) });
}

/** Forgets what a configuration on trial might have needed again. */
export function forgetGone({ model, byHand }: World): Pick<World, 'gone' | 'byHand'> {
  const kept = [...byHand].filter(([id]) => model.places.has(id));
  return { gone: new Map(), byHand: kept.length === byHand.size ? byHand : new Map(kept) };
}

function runningAfter({ file, current, trial }: Running, input: ConfigureInput): Running {
  if (input.verb === 'reload') return { file: input.loaded, current: input.loaded, trial: undefined };
  const before = trial?.before ?? current;
  if (input.verb === 'revert') return { file, current: before, trial: undefined };
  const { loaded, deadlineMs } = input;
  // A trial that is running continues: it goes back to the configuration before the first one.
  return { file, current: loaded, trial: deadlineMs === undefined ? trial : { before, deadlineMs } };
}

interface Next {
  readonly running: Running;
  readonly model: Model;
  readonly former: FormerHealth;
  /** Returns the quorum of a service under the former configuration; undefined for a new service. */
  readonly quorumOf: (name: ServiceName) => QuorumState | undefined;
}

/**
 * Makes `model` the one that is forwarded and checked. What is no longer in it has gone down, by the commands that it had; what is
 * new begins as at a start; a real that its new check knows otherwise has turned.
 */
function follow(draft: Draft, { running, model, former, quorumOf }: Next): StepResult {
  const { nowMs, world: before } = draft;
  const checkFor = firstChecks(before, model, { former, nowMs });
  const gone = running.trial === undefined ? before.gone : goneWith(before, model);
  draft.change({ running, model, gone });
  if (running.trial === undefined) draft.change(forgetGone(draft.world));
  const kept = new Map(before.services.map((one) => [one.service, one]));
  const services = model.services.map((service) => ({
    service,
    reals: kept.get(service)?.reals ?? service.reals.map((real) => realWorld(real, checkFor)),
  }));
  const { shortages } = draft.world;
  if (shortages.size > 0)
    draft.change({ shortages: recountShortages(shortages, shortageCodes(services), nowMs) });
  if (draft.world.withoutWay.size > 0) draft.change({ withoutWay: withoutWayIn(model, draft.world) });
  reportTurns(draft, before, services);
  reportLeaving(draft, before, model);
  const entries = new Map(before.services.map(({ service, entry }) => [service.name, entry]));
  const settled = services.map((one) => {
    const { name } = one.service;
    return draft.settled(one, { quorum: quorumOf(name), entry: entries.get(name) });
  });
  draft.save();
  return draft.finishWith(tableSettled(draft.world, settled));
}

function realWorld(real: ModelReal, checkFor: (check: Check) => CheckWorld): RealWorld {
  const checks = real.checks.map(checkFor);
  return { real, checks, health: healthBy(checks) };
}

/** The codes of the shortages of all checks, each check once. */
function shortageCodes(services: readonly Unsettled[]): string[] {
  const checks = services.flatMap(({ reals }) => reals.flatMap((real) => real.checks));
  const lacking = checks.filter(({ shortage }) => shortage !== undefined);
  const byKey = new Map(lacking.map(({ key, shortage }) => [key, shortage as string]));
  return [...byKey.values()];
}

/** Forgets next hops to addresses that are no reals any more. */
function withoutWayIn({ services }: Model, { withoutWay }: World): World['withoutWay'] {
  const addresses = new Set(
    services.flatMap(({ config, reals }) => [
      config.sorryServer?.address,
      ...reals.map((real) => real.config.address),
    ]),
  );
  return new Map([...withoutWay].filter(([address]) => addresses.has(address)));
}

type Unsettled = Pick<ServiceWorld, 'service' | 'reals'>;

function reportTurns(draft: Draft, before: World, services: readonly Unsettled[]): void {
  for (const after of services.flatMap(({ reals }) => reals)) {
    const same = realOf(before, after.real.id);
    if (same === undefined || same === after) continue;
    const { up } = liveState(after, draft.world);
    if (liveState(same, before).up === up) continue;
    const words = `${nameReal(after.real)} is ${up ? 'up' : 'down'} according to its new check`;
    draft.event(up ? 'info' : 'warning', up ? 'real-up' : 'real-down', words);
    draft.tellReal(after, up);
  }
}

function reportLeaving(draft: Draft, before: World, after: Model): void {
  for (const one of allReals(before)) {
    if (after.places.has(one.real.id) || !liveState(one, before).up) continue;
    draft.tellReal(one, false, 'it is no longer in the configuration');
  }
  const names = new Set(after.services.map(({ name }) => name));
  const left = before.services.filter(({ service }) => !names.has(service.name));
  for (const task of leavingTasks(left)) draft.run(task);
}

/** The world with these services, and its table: the former one if nothing in it differs. */
function tableSettled(world: World, services: readonly ServiceWorld[]): World {
  const { timeouts, expireNodestConn, expireQuiescentTemplate, sloppyTcp } =
    world.running.current.config.director;
  const settings = { timeouts, expireNodestConn, expireQuiescentTemplate, sloppyTcp };
  const { table } = world;
  const unchanged =
    isSameSettings(settings, table) &&
    table.services.length === services.length &&
    services.every(({ entry }, index) => entry === table.services[index]);
  const entries = services.map(({ entry }) => entry);
  return {
    ...world,
    services,
    table: unchanged ? table : { hashKey: world.hashKey, ...settings, services: entries },
  };
}

type Settings = Omit<ForwardingTable, 'hashKey' | 'services'>;

function isSameSettings(a: Settings, b: Settings): boolean {
  return (
    isSame(a.timeouts, b.timeouts) &&
    a.expireNodestConn === b.expireNodestConn &&
    a.expireQuiescentTemplate === b.expireQuiescentTemplate &&
    a.sloppyTcp === b.sloppyTcp
  );
}
