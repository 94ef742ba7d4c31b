// The director: keeps a plane at what configuration, health and the operator's changes come to.
import type { HostFacts } from '../config/host/require-host.ts';
import { rootCommandWarning } from '../config/host/root-commands.ts';
import { unknownUsers } from '../config/host/unknown-users.ts';
import type { ReloadSummary } from '../contract/api/configuration.ts';
import type { DirectorEvent } from '../contract/api/event.ts';
import type { CulvertConfig } from '../contract/config/config.ts';
import type { DataPlane, FlowFilter, FlowRecord } from '../dataplane/data-plane.ts';
import type { Explanation } from '../forwarding/decision.ts';
import type { ServiceKey } from '../forwarding/forwarding-table.ts';
import { ConfigChanges, type LoadConfig } from './changes/config-changes.ts';
import type { ConfigDiff } from './changes/config-diff.ts';
import type { RunningConfig } from './changes/running-config.ts';
import { CheckRunner } from './check-runner.ts';
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
import type { EventLog } from './event-log.ts';
import { InterfaceUse } from './interface-use.ts';
import type { Journal } from './journal/journal.ts';
import type { PlaneEvents } from './plane-events.ts';
import { chooseHashKey } from './state/hash-key.ts';
import { Saver } from './state/saver.ts';
import type { StateStore } from './state/state-store.ts';
import { directorStatus, flowsByReal, realStatuses } from './status/status.ts';
import { TrafficSampler } from './status/traffic-sampler.ts';
import type { ConfigureInput, Input, OverrideInput, StepResult } from './step/input.ts';
import { commandsAtEnd } from './step/leaving.ts';
import { savedState } from './step/saved-state.ts';
import { StepLoop } from './step-loop.ts';
import { Synchronisation } from './sync/synchronisation.ts';
import { selectReals, selectServices } from './world/select.ts';
import { emptyWorld, type World } from './world/world.ts';

export interface DirectorOptions {
  /** The configuration to begin with. */
  readonly running: RunningConfig;
  readonly configPath: string;
  readonly loadConfig: LoadConfig;
  /** Opened with the listener of `planeEvents`. */
  readonly plane: DataPlane;
  readonly planeEvents: PlaneEvents;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly store: StateStore;
  /** Writes the inputs down. */
  readonly journal?: Journal | undefined;
  readonly hostFacts: () => Promise<HostFacts>;
  /** Called before each attempt of a check. @throws Error a local shortage: it is not made */
  readonly requireRoom?: () => void;
}

/** The time that commands get at the end, if they run or wait. */
const COMMANDS_GRACE_MS = 10_000;

/** Keeps a plane at what configuration, health and the operator's changes amount to: what `step` returns, it carries out. */
export class Director implements DirectorControl {
  readonly #options: DirectorOptions;
  readonly #startedMs: number;
  readonly #stop = new AbortController();
  readonly #loop: StepLoop;
  readonly #checks: CheckRunner;
  readonly #commands: CommandQueue;
  readonly #configChanges: ConfigChanges;
  readonly #saving: Saver;
  readonly #interfaces: InterfaceUse;
  readonly #traffic: TrafficSampler;
  readonly #sync: Synchronisation;
  #hasWarnedOfRoot = false;
  /** The plane is closed or removed, and the state file final. */
  #ended = false;

  /**
   * Takes up the state of the former run, and resolves once the plane forwards.
   * The plane stays the caller's to close when this throws.
   */
  static async start(options: DirectorOptions): Promise<Director> {
    const { state, fault } = await options.store.load();
    if (fault !== undefined) options.events.add('warning', 'state-lost', `the saved state is lost: ${fault}`);
    const { plane, running } = options;
    // With another key than the plane's all connections would lose their reals, so a lost state file must not matter.
    const { hashSeed } = running.loaded.config.director;
    const hashKey = chooseHashKey(hashSeed, plane.keyInUse() ?? state.hashKey);
    const director = new Director(options, emptyWorld(hashKey, running.running));
    await director.#loop.require({ kind: 'start', state, forwarded: plane.services() });
    await director.#saving.request();
    director.#configChanges.start();
    const { length } = running.loaded.config.services;
    const services = length === 1 ? '1 service' : `${length} services`;
    options.events.add('info', 'start', `forwarding ${services}: ${plane.description}`);
    return director;
  }

  private constructor(options: DirectorOptions, world: World) {
    const { plane, events, now } = options;
    const { signal } = this.#stop;
    this.#options = options;
    this.#startedMs = now();
    this.#interfaces = new InterfaceUse(plane, options.running.loaded.config.director.interfaces);
    this.#traffic = new TrafficSampler(plane, signal);
    const entries = options.running.loaded.config.director.capacity.flows;
    this.#sync = new Synchronisation({ plane, events, entries });
    this.#loop = new StepLoop(world, {
      plane,
      now,
      signal,
      onResult: (...result) => this.#carryOut(...result),
    });
    options.planeEvents.passTo((event) => this.#loop.note({ kind: 'plane', event }));
    this.#checks = new CheckRunner({
      connector: plane.connector,
      now,
      onResult: (result) => this.#loop.note({ kind: 'checks', results: [result] }),
      requireRoom: () => options.requireRoom?.(),
      signal,
    });
    this.#commands = new CommandQueue(events, () => this.#loop.idle());
    this.#configChanges = new ConfigChanges({
      ...options,
      inForce: () => this.#loop.world.running,
      adopt: (input, config) => this.#follow(input, config),
      confirm: async () => {
        this.#loop.note({ kind: 'confirm' });
        await this.#loop.idle();
      },
    });
    this.#saving = new Saver({
      events,
      save: async () => (this.#ended ? undefined : options.store.save(savedState(this.#loop.world))),
      what: 'the state',
      effect: 'a restart would forget the latest changes',
    });
  }

  async status(): Promise<DirectorStatus> {
    const { configPath, plane } = this.#options;
    const counters = await plane.counters();
    return directorStatus(this.#loop.world, {
      director: this.#configChanges.started.director,
      configPath,
      plane: plane.description,
      startedMs: this.#startedMs,
      lastAttempt: (key) => this.#checks.last(key),
      flowsOf: flowsByReal(counters),
      counters,
      accounts: this.#traffic.accounts,
      sync: this.#sync.status,
    });
  }

  async zeroCounters(service?: ServiceKey): Promise<void> {
    const names = selectServices(this.#loop.world.model, service).map(({ name }) => name);
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

  setWeight(selector: RealSelector, weight: number): Promise<readonly RealStatus[]> {
    return this.#override(selector, { weight });
  }

  clearWeight(selector: RealSelector): Promise<readonly RealStatus[]> {
    return this.#override(selector, { weight: undefined });
  }

  drain(selector: RealSelector): Promise<readonly RealStatus[]> {
    return this.#override(selector, { drained: true });
  }

  undrain(selector: RealSelector): Promise<readonly RealStatus[]> {
    return this.#override(selector, { drained: false });
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
    this.#runLastCommands();
    await this.#commands.close(COMMANDS_GRACE_MS);
    await this.#options.plane.remove();
    this.#ended = true;
    await this.#options.store.remove();
    await this.#options.running.remove();
    await this.#options.journal?.remove();
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
    if (plane.kind === 'simulated') this.#runLastCommands();
    await this.#commands.close(COMMANDS_GRACE_MS);
    await plane.close();
    await this.#options.journal?.close();
    this.#ended = true;
  }

  /** Afterwards nothing more is applied, checked or saved. */
  async #quiesce(): Promise<void> {
    this.#stop.abort();
    this.#sync[Symbol.dispose]();
    await this.#configChanges.close();
    await this.#loop.idle();
    await this.#saving.request();
    this.#saving.close();
  }

  #runLastCommands(): void {
    for (const task of commandsAtEnd(this.#loop.world)) this.#commands.add(task);
  }

  /** Has plane and checks follow another configuration, or changes nothing. */
  async #follow(input: ConfigureInput, { director }: CulvertConfig): Promise<void> {
    this.#options.plane.mendDrift?.();
    await this.#interfaces.change(director.interfaces, () => this.#loop.require(input));
  }

  async #override(selector: RealSelector, change: OverrideInput['change']): Promise<readonly RealStatus[]> {
    await this.#loop.require({ kind: 'override', selector, change });
    await this.#saving.require();
    const flowsOf = flowsByReal(await this.#options.plane.counters());
    const { world } = this.#loop;
    const ids = selectReals(world.model, selector).map(({ id }) => id);
    const context = {
      startedMs: this.#startedMs,
      flowsOf,
      lastAttempt: (key: string) => this.#checks.last(key),
    };
    return realStatuses(world, new Set(ids), context);
  }

  /** Carries out what follows from a step that is in force. */
  #carryOut({ world, events, commands, saves }: StepResult, input: Input, nowMs: number): void {
    const { kind } = input;
    if (kind === 'start' || kind === 'configure') {
      this.#checks.follow(world);
      this.#sync.follow(world.model.config.director.sync);
      this.#warnOfCommands(world);
    }
    for (const { level, type, message } of events) this.#options.events.add(level, type, message);
    for (const task of commands) this.#commands.add(task);
    if (saves) void this.#saving.request();
    // What it writes is no news to anybody: last.
    this.#options.journal?.took(input, world, nowMs);
  }

  #warnOfCommands({ model: { config } }: World): void {
    const { events } = this.#options;
    // Once, as keepalived says it without enable_script_security.
    const asRoot = this.#hasWarnedOfRoot
      ? undefined
      : rootCommandWarning(config.services, process.geteuid?.() ?? 0);
    if (asRoot !== undefined) events.add('warning', 'command-as-root', asRoot);
    this.#hasWarnedOfRoot ||= asRoot !== undefined;
    for (const { fault } of unknownUsers(config.services)) {
      events.add('warning', 'command', `commands or checks cannot be run: ${fault}`);
    }
  }
}
