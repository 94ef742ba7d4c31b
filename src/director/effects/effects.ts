// Tells of turns: events and commands for real servers and quorums.
import { rootCommandWarning } from '../../config/host/root-commands.ts';
import { unknownUsers } from '../../config/host/unknown-users.ts';
import type { ServiceConfig, SorryServerConfig } from '../../contract/config/service-contract.ts';
import type { ServiceName } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { CheckState } from '../../health/check-state.ts';
import type { RealHealth } from '../../health/real-health.ts';
import { weightBy } from '../../health/weight-effect.ts';
import type { EventLog } from '../event-log.ts';
import { describeCheck, describeDown, describeQuorum, nameReal } from '../event-words.ts';
import type { Model, ModelReal, ModelService, RealId } from '../model.ts';
import { nextQuorum, type QuorumState } from '../quorum.ts';
import { Coalesced, Serial } from '../serial.ts';
import { liveState, liveWeight, type RealView } from '../status/live-weight.ts';
import type { CommandQueue, Task } from './command-queue.ts';
import { quorumTask, realTask } from './command-tasks.ts';

export interface EffectsOptions {
  readonly events: EventLog;
  readonly commands: CommandQueue;
  /** The present health and overrides. */
  readonly view: RealView;
  /** The quorums of the services that an earlier run has left forwarding. */
  readonly quorums: ReadonlyMap<ServiceName, QuorumState>;
  /** Returns the present model. */
  readonly model: () => Model;
}

export interface CheckTurn {
  readonly checkKey: string;
  readonly health: CheckState;
  readonly before: CheckState;
  /** The real's health by all its checks, while this one was as before; and its present health. */
  readonly former: RealHealth | undefined;
  readonly now: RealHealth | undefined;
}

/** The state before another configuration took effect. */
export interface Former {
  readonly model: Model;
  readonly up: ReadonlySet<RealId>;
}

/**
 * Carries out what follows from reals that change, other than forwarding: quorums are lost and regained, and all of it is
 * reported.
 */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #quorums: Map<ServiceName, QuorumState>;
  readonly #turned = new Set<ModelReal>();
  #hasWarnedOfRoot = false;
  readonly #settling = new Coalesced(new Serial(), async () => {
    const reals = [...this.#turned];
    this.#turned.clear();
    this.settleOf(reals);
  });

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.#quorums = new Map(options.quorums);
  }

  /** Returns a quorum; undefined for a service that is not forwarded yet. */
  quorumOf(service: ServiceName): QuorumState | undefined {
    return this.#quorums.get(service);
  }

  quorumStatus({ name, reals }: ModelService): { readonly state: QuorumState; readonly weight: number } {
    return { state: this.#quorums.get(name) ?? 'lost', weight: liveWeight(reals, this.#options.view) };
  }

  /** The sorry server, while it serves instead of the reals. */
  sorryServing(service: ServiceConfig): SorryServerConfig | undefined {
    const { sorryServer } = service;
    const lost = sorryServer !== undefined && this.quorumOf(formatServiceName(service)) === 'lost';
    return lost ? sorryServer : undefined;
  }

  lostQuorums(): ReadonlySet<ServiceName> {
    const lost = [...this.#quorums].filter(([, state]) => state === 'lost');
    return new Set(lost.map(([name]) => name));
  }

  /** A check of a real has turned, or makes another weight of it. */
  checked(real: ModelReal, { checkKey, health, before, former, now }: CheckTurn): void {
    const { events } = this.#options;
    if (now === undefined || former === undefined) return;
    const proved = former.presumed && !now.presumed;
    if (now.up && !former.up) {
      events.add('info', 'real-up', `${nameReal(real)} is up`);
      this.#tellReal(real, true);
    } else if (!now.up && (former.up || proved)) {
      events.add('warning', 'real-down', describeDown(real, now));
      this.#tellReal(real, false, now.lastError);
    } else if (health.up !== before.up) {
      events.add('info', health.up ? 'check-up' : 'check-down', describeCheck(real, checkKey, health));
    }
    const weights = [now, former].map((one) => weightBy(one.weights, real.config.weight));
    if (weights[0] === weights[1]) return;
    events.add('info', 'check-weight', `${nameReal(real)}: weight ${weights[0]} by its check`);
  }

  /** Sees whether a service has gained or lost its quorum. */
  settle(service: ModelService): void {
    const { name, config, reals } = service;
    const { events, view } = this.#options;
    const before = this.#quorums.get(name);
    const weight = liveWeight(reals, view);
    const after = nextQuorum(before, weight, config);
    if (after === before) return;
    this.#quorums.set(name, after);
    const hasSorry = config.sorryServer !== undefined;
    const words = describeQuorum(service, { state: after, weight });
    if (after === 'lost' && (reals.length > 0 || hasSorry)) events.add('warning', 'quorum-lost', words);
    else if (after === 'up' && before !== undefined) events.add('info', 'quorum-up', words);
    // A new service has not lost a quorum it never had. As in keepalived, the event follows when the sorry server takes over.
    if (before === undefined && after === 'lost' && !hasSorry) return;
    this.#tellQuorum(service, after === 'up', weight);
  }

  settleOf(reals: readonly ModelReal[]): void {
    const { serviceOf } = this.#options.model();
    const services = new Set(reals.map((real) => serviceOf.get(real.service)));
    for (const service of services) if (service !== undefined) this.settle(service);
  }

  /** Once, as keepalived says it without enable_script_security. */
  #warnOfRoot({ config }: Model): void {
    if (this.#hasWarnedOfRoot) return;
    const warning = rootCommandWarning(config.services, process.geteuid?.() ?? 0);
    this.#hasWarnedOfRoot = warning !== undefined;
    if (warning !== undefined) this.#options.events.add('warning', 'command-as-root', warning);
  }

  /** The same in a moment: a service is looked at once, however many of its reals turn together. */
  settleSoon(reals: readonly ModelReal[]): Promise<void> {
    for (const real of reals) this.#turned.add(real);
    return this.#settling.request();
  }

  /**
   * Another configuration holds: what is no longer in it has gone down, by the commands that it had; what is new has begun
   * as at a start; a real that its new check knows otherwise has turned.
   */
  replaced(former: Former, model: Model): void {
    const { reals, services } = model;
    this.#warnOfRoot(model);
    for (const { fault } of unknownUsers(model.config.services)) {
      this.#options.events.add('warning', 'command', `commands or checks cannot be run: ${fault}`);
    }
    for (const real of former.model.reals.values()) {
      const same = reals.get(real.id);
      const wasUp = former.up.has(real.id);
      if (same !== undefined && liveState(same, this.#options.view).up !== wasUp)
        this.#turnedByReload(same, !wasUp);
      if (same === undefined && wasUp) this.#tellReal(real, false, 'it is no longer in the configuration');
    }
    const names = new Set(services.map(({ name }) => name));
    this.#tellLeaving(former.model.services.filter(({ name }) => !names.has(name)));
    for (const name of this.#quorums.keys()) if (!names.has(name)) this.#quorums.delete(name);
    for (const service of services) this.settle(service);
  }

  /** Runs the commands at the end of forwarding for what was up, where they are configured (`omega`). */
  ending({ services }: Model): void {
    const told = services.filter(({ config }) => config.omega);
    for (const real of told.flatMap(({ reals }) => reals)) {
      if (liveState(real, this.#options.view).up) this.#tellReal(real, false, 'forwarding ends');
    }
    this.#tellLeaving(told);
  }

  #turnedByReload(real: ModelReal, up: boolean): void {
    const words = `${nameReal(real)} is ${up ? 'up' : 'down'} according to its new check`;
    this.#options.events.add(up ? 'info' : 'warning', up ? 'real-up' : 'real-down', words);
    this.#tellReal(real, up);
  }

  #tellLeaving(services: readonly ModelService[]): void {
    for (const service of services) {
      if (this.#quorums.get(service.name) === 'up') this.#tellQuorum(service, false, 0);
    }
  }

  #tellReal(real: ModelReal, up: boolean, reason?: string): void {
    const { weight } = liveState(real, this.#options.view);
    this.#run(realTask(real, { up, weight, reason }));
  }

  #tellQuorum(service: ModelService, up: boolean, weight: number): void {
    this.#run(quorumTask(service, { up, weight }));
  }

  #run(task: Task | undefined): void {
    if (task !== undefined) this.#options.commands.add(task);
  }
}
