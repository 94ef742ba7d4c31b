import { describe, expect, it } from 'vitest';
import type { SchedulerFlag, SchedulerName } from '../../../../src/forwarding/forwarding-table.ts';
import type { Scheduler } from '../../../../src/forwarding/schedulers/scheduler.ts';
import { type IpAddress, ip } from '../../../../src/net/address/ip-address.ts';
import {
  type Change,
  flowNumbers,
  type GoldenReal,
  type Outcome,
  readGolden,
  type Scenario,
  type Step,
} from '../../../golden/ipvs/golden.ts';
import { letterOf, type Real, real, request, schedule, schedulerOf } from './reals.ts';

describe('schedulers as kernel IPVS', () => {
  // culvert's mh has its own ring, and its twos its own dice.
  const comparable = ['schedulers', 'hashing']
    .flatMap((name) => readGolden(name).scenarios)
    .filter(({ service, random }) => service.scheduler !== 'mh' && random !== true);
  it.each(comparable.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
    const replay = new Replay(scenario);
    for (const [number, step] of scenario.steps.entries()) {
      const { to, counts } = replay.step(step);
      if ('send' in step && step.send === 'SYN')
        expect(to, `step ${number}`).toBe(step.to?.replaceAll('u', '-'));
      expect(counts, `step ${number}`).toEqual(step.counts);
    }
  });
});

/** Does to a scheduler of culvert what was done to the kernel's. */
class Replay {
  readonly #scenario: Scenario;
  readonly #scheduler: Scheduler;
  readonly #limits = new Map<number, number>();
  /** By flow number: its real, and whether it still is active. */
  readonly #flows = new Map<number, { real: Real; active: boolean }>();
  readonly #former = new Map<string, Real>();
  #reals: Real[] = [];

  constructor(scenario: Scenario) {
    const { service, reals } = scenario;
    this.#scenario = scenario;
    this.#scheduler = schedulerOf(
      service.scheduler as SchedulerName,
      ...((service.flags ?? []) as SchedulerFlag[]),
    );
    for (const added of reals) this.#add(added);
    if (service.scheduler === 'wrr') this.#goToLastPass();
  }

  step(step: Step): Pick<Outcome, 'to' | 'counts'> {
    if ('change' in step) this.#change(step.change);
    const to =
      'send' in step
        ? flowNumbers(step.flows).map((n) =>
            step.send === 'SYN' ? this.#open(n) : this.#packet(n, step.send),
          )
        : [];
    const counts = this.#reals.map((r) => [letterOf(r), [r.active, r.inactive]] as const);
    return { to: to.join(''), counts: Object.fromEntries(counts) };
  }

  /** The kernel's first round is its last pass; see docs/reference/ipvs-differences.md. */
  #goToLastPass(): void {
    const weights = this.#reals.map(({ weight }) => weight).filter((weight) => weight > 0);
    const divisor = weights.reduce((a, b) => greatestDivisor(a, b), 0);
    const round = weights.reduce((sum, weight) => sum + weight / divisor, 0);
    for (let turn = weights.length; turn < round; turn++) {
      this.#scheduler.choose(this.#reals, request())?.commit?.();
    }
  }

  #change(change: Change): void {
    if ('add' in change) this.#add(change.add);
    if ('edit' in change) this.#edit(this.#named(change.edit.name), change.edit.weight);
    if ('remove' in change) {
      const removed = this.#named(change.remove);
      this.#reals = this.#reals.filter((other) => other !== removed);
      this.#former.set(change.remove, removed);
    }
  }

  #named(name: string): Real {
    const found = this.#reals.find((r) => letterOf(r) === name);
    if (found === undefined) throw new Error(`no real ${name}`);
    return found;
  }

  /** For the kernel's wrr an edit that changes nothing is a change, too: one of culvert's is what a real without weight makes. */
  #edit(edited: Real, weight: number): void {
    if (edited.weight === weight) this.#scheduler.choose([...this.#reals, real(9, { weight: 0 })], request());
    edited.weight = weight;
  }

  /** rr goes forwards, where the kernel goes backwards: the list that it gets is turned round. */
  #add({ name, weight, upper }: GoldenReal): void {
    const added = this.#former.get(name) ?? real(name.charCodeAt(0) - 64);
    added.weight = weight;
    if (upper !== undefined) this.#limits.set(added.index, upper);
    if (this.#scenario.service.scheduler === 'rr') this.#reals.unshift(added);
    else this.#reals.push(added);
  }

  #open(n: number): string {
    const { flows, service } = this.#scenario;
    if (flows === undefined) throw new Error('a scenario without flows');
    const chosen = schedule(
      this.#scheduler,
      this.#reals,
      request({
        client: later(flows.client, n * (flows.clientStep ?? 0)),
        clientPort: flows.port + n * (flows.portStep ?? 0),
        vip: later(service.vip, n % (flows.vipCount ?? 1)),
      }),
    );
    if (chosen) {
      this.#flows.set(n, { real: chosen, active: true });
      chosen.overloaded = chosen.active + chosen.inactive >= (this.#limits.get(chosen.index) ?? Infinity);
    }
    return letterOf(chosen);
  }

  #packet(n: number, sent: string): string {
    const flow = this.#flows.get(n);
    if (flow?.active && sent !== 'ACK') {
      flow.active = false;
      flow.real.active--;
      flow.real.inactive++;
    }
    return letterOf(flow?.real);
  }
}

function later(address: string, by: number): IpAddress {
  return ((ip(address) as number) + by) as IpAddress;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
