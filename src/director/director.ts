// The director: keeps a plane at what configuration, health and the operator's changes come to.
import type { HostFacts } from '../config/host/require-host.ts';
import type { ReloadSummary } from '../contract/api/configuration.ts';
import type { DirectorEvent } from '../contract/api/event.ts';
import type { CulvertConfig } from '../contract/config/config.ts';
import type { DataPlane, FlowFilter, FlowRecord } from '../dataplane/data-plane.ts';
import { CulvertError } from '../errors.ts';
import type { Explanation } from '../forwarding/decision.ts';
import type { ServiceKey, ServiceName } from '../forwarding/forwarding-table.ts';
import type { CheckState } from '../health/check-state.ts';
import { ByHand, type Handling } from './by-hand.ts';
import { ConfigChanges, type LoadConfig } from './changes/config-changes.ts';
import type { ConfigDiff } from './changes/config-diff.ts';
import type { RunningConfig } from './changes/running-config.ts';
import { computeTable, type TableInput } from './compute-table.ts';
import type {
  ApplyOptions,
  ApplySummary,
  DirectorControl,
  DirectorStatus,
  RealSelector,
  RealStatus,
  RunningDocument,
} from './control.ts';
import { CommandQueue } from './effects/command-queue.ts';
import { Effects } from './effects/effects.ts';
import { realEffect } from './effects/real-effect.ts';
import type { EventLog } from './event-log.ts';
import { describeFailure, nameReal } from './event-words.ts';
import { type FormerHealth, HealthBoard, healthIn } from './health-board.ts';
import { InterfaceUse } from './interface-use.ts';
import { buildModel, type Model, type ModelReal, servingReals } from './model.ts';
import { forwardedQuorums, type QuorumState } from './quorum.ts';
import { Reconciler } from './reconciler.ts';
import { selectReals, selectServices } from './select.ts';
import { ShortageWatch } from './shortage-watch.ts';
import { chooseHashKey } from './state/hash-key.ts';
import { Saver } from './state/saver.ts';
import type { DirectorState, StateStore } from './state/state-store.ts';
import { type RealView, realsUp } from './status/live-weight.ts';
import { directorStatus, flowsByReal, realStatus } from './status/status.ts';
import { TrafficSampler } from './status/traffic-sampler.ts';

export interface DirectorOptions {
  /** The configuration to begin with. */
  readonly running: RunningConfig;
  readonly configPath: string;
  readonly loadConfig: LoadConfig;
  /** Opened with `planeEventRecorder(events)`, so that what it tells becomes events. */
  readonly plane: DataPlane;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly store: StateStore;
  readonly hostFacts: () => Promise<HostFacts>;
  /** Called before each attempt of a check. @throws Error a local shortage: it is not made */
  readonly requireRoom?: () => void;
}

interface Override {
  readonly change: Partial<Handling>;
  readonly type: string;
  readonly what: string;
}

/** The time that commands get at the end, if they run or wait. */
const COMMANDS_GRACE_MS = 10_000;

/** Keeps a plane at what configuration, health and the operator's overrides come to. */
export class Director implements DirectorControl {
  readonly #options: DirectorOptions;
  readonly #hashKey: Uint8Array;
  readonly #startedMs: number;
  readonly #stop = new AbortController();
  readonly #health: HealthBoard;
  readonly #reconciler: Reconciler;
  readonly #commands: CommandQueue;
  readonly #effects: Effects;
  readonly #configChanges: ConfigChanges;
  readonly #saving: Saver;
  readonly #byHand: ByHand;
  readonly #view: RealView;
  readonly #interfaces: InterfaceUse;
  readonly #traffic: TrafficSampler;
  readonly #shortages: ShortageWatch;
  #model: Model;
  /** The plane is closed or removed, and the state file final. */
  #ended = false;

  /**
   * Takes up the state of the former run, and resolves once the plane forwards.
   * The plane stays the caller's to close when this throws.
   */
  static async start(options: DirectorOptions): Promise<Director> {
    const { state, fault } = await options.store.load();
    if (fault !== undefined) options.events.add('warning', 'state-lost', `the saved state is lost: ${fault}`);
    const director = new Director(options, state);
    const serving = servingReals(options.plane.services(), state.lostQuorums);
    const model = buildModel(options.running.loaded.config);
    const former = director.#health.formerFrom(state, serving, model);
    await director.#adopt(model, former, options.running.trial !== undefined);
    await director.#saving.request();
    director.#configChanges.start();
    const { length } = options.running.loaded.config.services;
    const services = length === 1 ? '1 service' : `${length} services`;
    options.events.add('info', 'start', `forwarding ${services}: ${options.plane.description}`);
    return director;
  }

  private constructor(options: DirectorOptions, state: DirectorState) {
    const { plane, events, now } = options;
    const { config } = options.running.loaded;
    this.#options = options;
    this.#startedMs = now();
    // With another key than the plane's all connections would lose their reals, so a lost state file must not matter.
    this.#hashKey = chooseHashKey(config.director.hashSeed, plane.keyInUse() ?? state.hashKey);
    // Nothing is forwarded yet.
    this.#model = buildModel({ ...config, services: [] });
    this.#interfaces = new InterfaceUse(plane, config.director.interfaces);
    this.#byHand = new ByHand(state);
    this.#traffic = new TrafficSampler(plane, this.#stop.signal);
    this.#shortages = new ShortageWatch(events, now);
    this.#health = new HealthBoard({
      connector: plane.connector,
      now,
      onChange: (checkKey, health, before) => this.#healthChanged(checkKey, health, before),
      onFailure: (checkKey, health) => this.#attemptFailed(checkKey, health),
      onShortage: (checkKey, shortage) => this.#shortages.attempted(checkKey, shortage),
      requireRoom: () => options.requireRoom?.(),
      signal: this.#stop.signal,
    });
    const view: RealView = {
      overrides: this.#byHand.overrides,
      drained: this.#byHand.drained,
      healthOf: (real) => this.#health.of(real),
    };
    this.#view = view;
    this.#commands = new CommandQueue(events, () => this.#reconciler.idle());
    const quorums = forwardedQuorums(plane.services(), state.lostQuorums);
    const model = (): Model => this.#model;
    this.#effects = new Effects({ events, commands: this.#commands, view, quorums, model });
    this.#reconciler = new Reconciler({ plane, events, signal: this.#stop.signal }, (previous) =>
      computeTable(this.#tableInput(this.#model, view.healthOf), previous),
    );
    this.#configChanges = new ConfigChanges({
      ...options,
      adopt: (...next) => this.#follow(...next),
      settle: () => this.#forgetGone(),
    });
    this.#saving = new Saver({
      events,
      save: async () => (this.#ended ? undefined : options.store.save(this.#state())),
      what: 'the state',
      effect: 'a restart would forget the latest changes',
    });
  }

  async status(): Promise<DirectorStatus> {
    const { configPath, plane } = this.#options;
    const counters = await plane.counters();
    const flowsOf = flowsByReal(counters);
    return directorStatus({
      director: this.#configChanges.started.director,
      configPath,
      plane: plane.description,
      startedMs: this.#startedMs,
      services: this.#model.services,
      statusOf: (real) => this.#statusOf(real, flowsOf),
      quorumOf: (service) => this.#effects.quorumStatus(service),
      flowsOf,
      counters,
      accounts: this.#traffic.accounts,
      shortages: this.#shortages.status(),
      unmadeAttempts: this.#shortages.unmadeAttempts,
    });
  }

  async zeroCounters(service?: ServiceKey): Promise<void> {
    const names = selectServices(this.#model, service).map(({ name }) => name);
    await this.#traffic.zero(new Set(names));
  }

  reload(): Promise<ReloadSummary> {
    return this.#configChanges.reload();
  }

  config(): RunningDocument {
    return this.#configChanges.document();
  }

  apply(document: unknown, options: ApplyOptions = {}): Promise<ApplySummary> {
    return this.#configChanges.apply(document, options);
  }

  confirm(): Promise<RunningDocument> {
    return this.#configChanges.confirm();
  }

  revert(): Promise<ApplySummary> {
    return this.#configChanges.revert();
  }

  diff(document: unknown): Promise<ConfigDiff> {
    return this.#configChanges.diff(document);
  }

  diffYaml(text: string): Promise<ConfigDiff | undefined> {
    return this.#configChanges.diffYaml(text);
  }

  async setWeight(selector: RealSelector, weight: number): Promise<readonly RealStatus[]> {
    if (!Number.isInteger(weight) || weight < 0 || weight > 65535) {
      throw new CulvertError('USAGE', `found weight ${weight}; allowed: a whole number from 0 to 65535`);
    }
    const what = `weight ${weight} until the override is cleared`;
    return this.#override(selector, { change: { weight }, type: 'weight', what });
  }

  clearWeight(selector: RealSelector): Promise<readonly RealStatus[]> {
    const what = 'back to its configured weight';
    return this.#override(selector, { change: { weight: undefined }, type: 'weight', what });
  }

  drain(selector: RealSelector): Promise<readonly RealStatus[]> {
    const what = 'drained: it keeps its flows, and new ones go to other reals';
    return this.#override(selector, { change: { drained: true }, type: 'drain', what });
  }

  undrain(selector: RealSelector): Promise<readonly RealStatus[]> {
    const what = 'no longer drained';
    return this.#override(selector, { change: { drained: false }, type: 'undrain', what });
  }

  flows(filter: FlowFilter): AsyncIterable<FlowRecord> {
    return this.#options.plane.flows(filter);
  }

  events(afterSequence: number): readonly DirectorEvent[] {
    return this.#options.events.after(afterSequence);
  }

  subscribe(listener: (event: DirectorEvent) => void, signal: AbortSignal): void {
    this.#options.events.subscribe(listener, signal);
  }

  explain(packet: Uint8Array): Explanation {
    return this.#options.plane.explain(packet);
  }

  async remove(): Promise<void> {
    await this.#quiesce();
    if (this.#ended) return;
    this.#effects.ending(this.#model);
    await this.#commands.close(COMMANDS_GRACE_MS);
    await this.#options.plane.remove();
    this.#ended = true;
    await this.#options.store.remove();
    await this.#options.running.remove();
    this.#options.events.add(
      'info',
      'remove',
      'forwarding has stopped, and what culvert set up for it is removed',
    );
  }

  /** Ends checks and control; forwarding goes on where the plane outlives the process. Nothing to do after `remove`. */
  async close(): Promise<void> {
    await this.#quiesce();
    if (this.#ended) return;
    const { plane } = this.#options;
    // The other planes go on.
    if (plane.kind === 'simulated') this.#effects.ending(this.#model);
    await this.#commands.close(COMMANDS_GRACE_MS);
    await plane.close();
    this.#ended = true;
  }

  /** Afterwards nothing more is applied, checked or saved. */
  async #quiesce(): Promise<void> {
    this.#stop.abort();
    this.#shortages.close();
    await this.#configChanges.close();
    await this.#reconciler.idle();
    await this.#effects.settleSoon([]);
    await this.#saving.request();
    this.#saving.close();
  }

  /** Has plane and checks follow another configuration, or changes nothing. */
  async #follow(config: CulvertConfig, onTrial: boolean): Promise<void> {
    const before = this.#model;
    this.#options.plane.mendDrift?.();
    const after = buildModel(config, before);
    const isOut = (service: ServiceName): boolean => this.#effects.quorumOf(service) === 'lost';
    await this.#interfaces.change(config.director.interfaces, () =>
      this.#adopt(after, this.#health.formerIn(before, after, isOut), onTrial),
    );
    void this.#saving.request();
  }

  /**
   * Makes `model` the one that is forwarded and checked, or changes nothing if the plane cannot take it.
   * @param keepsGone whether to keep what is known of reals that it lacks: the former model may come back
   */
  async #adopt(model: Model, former: FormerHealth, keepsGone: boolean): Promise<void> {
    let plan: ReturnType<HealthBoard['plan']> = new Map();
    await this.#reconciler.replace(
      (previous) => {
        plan = this.#health.plan(model, former);
        const health: TableInput['healthOf'] = (real) => healthIn(real, (key) => plan.get(key)?.known);
        return computeTable(this.#tableInput(model, health), previous);
      },
      () => {
        const before = { model: this.#model, up: realsUp(this.#model, this.#view) };
        if (keepsGone) this.#health.keepGone(this.#model, model);
        this.#model = model;
        this.#health.carryOut(plan);
        this.#shortages.keepOnly(plan);
        if (!keepsGone) this.#forgetGone();
        this.#effects.replaced(before, model);
      },
    );
    // Takes in what was checked or overridden while the plane was busy.
    this.#reconciler.follow();
  }

  #forgetGone(): void {
    this.#health.forgetGone();
    this.#byHand.keepOnly(this.#model.reals);
    void this.#saving.request();
  }

  #tableInput(model: Model, healthOf: TableInput['healthOf']): TableInput {
    const quorumOf = (service: ServiceName): QuorumState | undefined => this.#effects.quorumOf(service);
    return { ...this.#view, model, hashKey: this.#hashKey, healthOf, quorumOf };
  }

  async #override(selector: RealSelector, { change, type, what }: Override): Promise<readonly RealStatus[]> {
    const reals = selectReals(this.#model, selector);
    const before = reals.map(({ id }) => [id, this.#byHand.of(id)] as const);
    for (const [id, old] of before) this.#byHand.set(id, { ...old, ...change });
    try {
      await this.#reconciler.request();
    } catch (error) {
      for (const [id, old] of before) this.#byHand.set(id, old);
      // A check may have counted it meanwhile.
      this.#effects.settleOf(reals);
      throw error;
    }
    for (const real of reals) this.#options.events.add('info', type, `${nameReal(real)}: ${what}`);
    this.#effects.settleOf(reals);
    await this.#saving.require();
    const flowsOf = flowsByReal(await this.#options.plane.counters());
    return reals.map((real) => this.#statusOf(real, flowsOf));
  }

  #healthChanged(checkKey: string, health: CheckState, before: CheckState): void {
    // Traffic first, words after.
    this.#reconciler.follow();
    const reals = this.#model.realsByCheck.get(checkKey) ?? [];
    for (const real of reals) {
      const former = this.#health.ofBefore(real, checkKey, before);
      this.#effects.checked(real, { checkKey, health, before, former, now: this.#health.of(real) });
    }
    void this.#effects.settleSoon(reals).then(() => this.#saving.request());
    void this.#saving.request();
  }

  #attemptFailed(checkKey: string, health: CheckState): void {
    for (const real of this.#model.realsByCheck.get(checkKey) ?? []) {
      this.#options.events.add('warning', 'check-failed', describeFailure(real, health));
    }
  }

  #statusOf(real: ModelReal, flowsOf: ReturnType<typeof flowsByReal>): RealStatus {
    const health = this.#health.of(real);
    const sinceMs = health === undefined ? this.#startedMs : this.#health.wallClockMs(health.sinceMs);
    return realStatus({
      real,
      override: this.#byHand.of(real.id).weight,
      drained: this.#byHand.of(real.id).drained,
      effect: realEffect(real, this.#view, this.#effects.sorryServing(real.service)),
      health,
      checks: this.#health.checksOf(real),
      wallClockMs: (monotonicMs) => this.#health.wallClockMs(monotonicMs),
      sinceMs,
      flows: flowsOf(real.id),
    });
  }

  #state(): DirectorState {
    return {
      hashKey: this.#hashKey,
      overrides: this.#byHand.overrides,
      drained: this.#byHand.drained,
      down: this.#health.downStates(this.#model),
      lostQuorums: this.#effects.lostQuorums(),
    };
  }
}
