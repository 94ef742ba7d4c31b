// A world that a step is changing, and what follows from the changes.
import type { EventLevel, EventType } from '../../contract/api/event-types.ts';
import { quorumTask, realTask, type Task } from '../world/command-tasks.ts';
import { describeQuorum } from '../world/event-words.ts';
import { liveState, liveWeight } from '../world/live-weight.ts';
import type { ModelService, Place, RealId } from '../world/model.ts';
import { nextQuorum, type QuorumState } from '../world/quorum.ts';
import { serviceEntry } from '../world/service-entry.ts';
import type { Handling, RealWorld, ServiceWorld, World } from '../world/world.ts';
import type { EventDraft, StepResult } from './input.ts';

/**
 * A world that a step is changing. It copies what it changes, and at the end judges the quorum of each service that was touched:
 * once, however many of its reals have changed.
 */
export class Draft {
  readonly nowMs: number;
  #world: World;
  /** A copy of the world's, once one of them has changed. */
  #services: ServiceWorld[] | undefined;
  readonly #touched = new Set<number>();
  readonly #events: EventDraft[] = [];
  readonly #commands: Task[] = [];
  #saves = false;

  constructor(world: World, nowMs: number) {
    this.#world = world;
    this.nowMs = nowMs;
  }

  get world(): World {
    return this.#world;
  }

  change(part: Partial<Omit<World, 'services' | 'table'>>): void {
    this.#world = { ...this.#world, ...part };
  }

  event<Type extends EventType>(level: EventLevel<Type>, type: Type, message: string): void {
    this.#events.push({ level, type, message });
  }

  report(events: readonly EventDraft[]): void {
    this.#events.push(...events);
  }

  run(task: Task | undefined): void {
    if (task !== undefined) this.#commands.push(task);
  }

  /** The state that is kept over restarts changes. */
  save(): void {
    this.#saves = true;
  }

  realAt({ service, real }: Place): RealWorld | undefined {
    return (this.#services ?? this.#world.services)[service]?.reals[real];
  }

  /** @param settles whether the service's table entry and quorum may depend on the change */
  setReal({ service, real }: Place, next: RealWorld, settles: boolean): void {
    this.#services ??= [...this.#world.services];
    const before = this.#services[service];
    if (before === undefined) return;
    this.#services[service] = { ...before, reals: before.reals.with(real, next) };
    if (settles) this.#touched.add(service);
  }

  handle(id: RealId, handling: Handling): void {
    const byHand = new Map(this.#world.byHand);
    if (handling.weight === undefined && !handling.drained) byHand.delete(id);
    else byHand.set(id, handling);
    this.change({ byHand });
    const place = this.#world.model.places.get(id);
    if (place !== undefined) this.#touched.add(place.service);
    this.save();
  }

  /** Runs the command of a real that is up or down. */
  tellReal(one: RealWorld, up: boolean, reason?: string): void {
    const { weight } = liveState(one, this.#world);
    this.run(realTask(one.real, { up, weight, reason }));
  }

  /** Judges the quorums of what was touched, and ends the step. */
  finish(): StepResult {
    for (const index of this.#touched) this.#settleAt(index);
    const services = this.#services;
    return this.finishWith(services === undefined ? this.#world : withServices(this.#world, services));
  }

  /** Ends the step with a world in which everything is settled. */
  finishWith(world: World): StepResult {
    return { world, events: this.#events, commands: this.#commands, saves: this.#saves };
  }

  /** Returns a service with its weight, quorum and entry, and reports a quorum that was lost or gained. @param before its former entry and quorum */
  settled(
    one: Pick<ServiceWorld, 'service' | 'reals'>,
    before: { readonly quorum?: QuorumState | undefined; readonly entry?: ServiceWorld['entry'] | undefined },
  ): ServiceWorld {
    const weight = liveWeight(one.reals, this.#world);
    const quorum = nextQuorum(before.quorum, weight, one.service.config);
    if (quorum !== before.quorum)
      this.#quorumTurned(one.service, { before: before.quorum, after: quorum, weight });
    const { expireQuiescentTemplate } = this.#world.running.current.config.director;
    const context = { byHand: this.#world.byHand, expireQuiescentTemplate };
    return { ...one, weight, quorum, entry: serviceEntry({ ...one, quorum }, context, before.entry) };
  }

  #settleAt(index: number): void {
    this.#services ??= [...this.#world.services];
    const before = this.#services[index];
    if (before !== undefined) this.#services[index] = this.settled(before, before);
  }

  #quorumTurned(
    service: ModelService,
    { before, after, weight }: { before: QuorumState | undefined; after: QuorumState; weight: number },
  ): void {
    this.save();
    const hasSorry = service.config.sorryServer !== undefined;
    const words = describeQuorum(service, { state: after, weight });
    if (after === 'lost' && (service.reals.length > 0 || hasSorry))
      this.event('warning', 'quorum-lost', words);
    else if (after === 'up' && before !== undefined) this.event('info', 'quorum-up', words);
    // A new service has not lost a quorum it never had. As in keepalived, the event follows when the sorry server takes over.
    if (before === undefined && after === 'lost' && !hasSorry) return;
    this.run(quorumTask(service, { up: after === 'up', weight }));
  }
}

function withServices(world: World, services: readonly ServiceWorld[]): World {
  const isSame = services.every(({ entry }, index) => entry === world.table.services[index]);
  if (isSame && services.length === world.table.services.length) return { ...world, services };
  return { ...world, services, table: { ...world.table, services: services.map(({ entry }) => entry) } };
}
