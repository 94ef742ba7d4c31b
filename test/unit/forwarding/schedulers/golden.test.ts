import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Scheduler } from '../../../../src/forwarding/schedulers/scheduler.ts';
import type { SchedulerFlag, SchedulerName } from '../../../../src/forwarding/table.ts';
import { type IpAddress, ip } from '../../../../src/net/ip-address.ts';
import { letterOf, type Real, real, request, schedule, schedulerOf } from './reals.ts';

/** As much as is read here of what kernel IPVS was recorded to do; test/golden/ipvs has the types in full. */
interface Scenario {
  readonly name: string;
  readonly service: { readonly vip: string; readonly scheduler: SchedulerName; readonly flags?: string[] };
  readonly reals: readonly GoldenReal[];
  readonly flows: Flows;
  readonly random?: boolean;
  readonly steps: readonly Step[];
}

interface GoldenReal {
  readonly name: string;
  readonly weight: number;
  readonly upper?: number;
}

interface Flows {
  readonly client: string;
  readonly clientStep?: number;
  readonly port: number;
  readonly portStep?: number;
  readonly vipCount?: number;
}

interface Step {
  readonly send?: string;
  readonly flows?: string;
  readonly change?: { readonly edit?: GoldenReal; readonly add?: GoldenReal; readonly remove?: string };
  readonly to?: string;
  readonly counts: Readonly<Record<string, readonly [number, number]>>;
}

const DIRECTORY = new URL('../../../golden/ipvs/', import.meta.url);
const FILES = ['schedulers', 'hashing'];
const present = FILES.filter((name) => existsSync(new URL(`${name}.json`, DIRECTORY)));
const missing = FILES.filter((name) => !present.includes(name));

describe(`schedulers as kernel IPVS${missing.map((name) => ` (needs test/golden/ipvs/${name}.json)`).join('')}`, () => {
  // culvert's mh has its own ring, and its twos its own dice.
  const comparable = present
    .flatMap(read)
    .filter(({ service, random }) => service.scheduler !== 'mh' && random !== true);
  it.each(comparable.map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
    const replay = new Replay(scenario);
    for (const [number, step] of scenario.steps.entries()) {
      const { to, counts } = replay.step(step);
      if (step.send === 'SYN') expect(to, `step ${number}`).toBe(step.to?.replaceAll('u', '-'));
      expect(counts, `step ${number}`).toEqual(step.counts);
    }
  });
  if (missing.length > 0) it.skip('what is not recorded here');
});

function read(name: string): Scenario[] {
  const text = readFileSync(new URL(`${name}.json`, DIRECTORY), 'utf8');
  return (JSON.parse(text) as { scenarios: Scenario[] }).scenarios;
}

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
    this.#scheduler = schedulerOf(service.scheduler, ...((service.flags ?? []) as SchedulerFlag[]));
    for (const added of reals) this.#add(added);
    if (service.scheduler === 'wrr') this.#goToLastPass();
  }

  step(step: Step): { to: string; counts: Step['counts'] } {
    if (step.change) this.#change(step.change);
    const numbers = flowNumbers(step.flows);
    const to = numbers
      .map((n) => (step.send === 'SYN' ? this.#open(n) : this.#packet(n, step.send)))
      .join('');
    const counts = this.#reals.map((r) => [letterOf(r), [r.active, r.inactive]] as const);
    return { to, counts: Object.fromEntries(counts) };
  }

  /** The kernel's first round is its last pass; see docs/ipvs-differences.md. */
  #goToLastPass(): void {
    const weights = this.#reals.map(({ weight }) => weight).filter((weight) => weight > 0);
    const divisor = weights.reduce((a, b) => greatestDivisor(a, b), 0);
    const round = weights.reduce((sum, weight) => sum + weight / divisor, 0);
    for (let turn = weights.length; turn < round; turn++) {
      this.#scheduler.choose(this.#reals, request())?.commit?.();
    }
  }

  #change({ edit, add, remove }: NonNullable<Step['change']>): void {
    const named = (name: string): Real | undefined => this.#reals.find((r) => letterOf(r) === name);
    const edited = edit && named(edit.name);
    if (edited) this.#edit(edited, edit.weight);
    const removed = remove === undefined ? undefined : named(remove);
    if (removed) {
      this.#reals = this.#reals.filter((other) => other !== removed);
      this.#former.set(letterOf(removed), removed);
    }
    if (add) this.#add(add);
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

  #packet(n: number, sent: string | undefined): string {
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

/** `0-3,7` as [0, 1, 2, 3, 7]. */
function flowNumbers(list = ''): number[] {
  return list
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
