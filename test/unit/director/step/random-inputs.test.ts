/** Random sequences of inputs: what has to hold after each step, whatever came before. */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseYaml } from '../../../../src/config/load/parse-yaml.ts';
import type { Input, StepResult } from '../../../../src/director/step/input.ts';
import { savedState } from '../../../../src/director/step/saved-state.ts';
import { step } from '../../../../src/director/step/step.ts';
import {
  allReals,
  type Handling,
  handlingOf,
  type ServiceWorld,
  type World,
} from '../../../../src/director/world/world.ts';
import { CulvertError } from '../../../../src/errors.ts';
import { formatServiceName } from '../../../../src/forwarding/service-name.ts';
import { formatIp, ip } from '../../../../src/net/address/ip-address.ts';
import { quickOrLong } from '../../../long.ts';
import {
  anyNumber,
  anySpec,
  forwardingOf,
  type RealSpec,
  type ServiceSpec,
  type Spec,
  yamlOf,
} from '../random-specs.ts';
import { begin, DOWN, UP } from '../worlds.ts';

type Turn =
  | { readonly kind: 'found'; readonly up: readonly number[]; readonly down: readonly number[] }
  | { readonly kind: 'weight'; readonly number: number; readonly weight: number | undefined }
  | { readonly kind: 'drained'; readonly number: number; readonly drained: boolean }
  | { readonly kind: 'reload' | 'try' | 'apply' | 'refused'; readonly spec: Spec }
  | { readonly kind: 'confirm' | 'revert' | 'restart' };

const someNumbers = fc.uniqueArray(anyNumber, { maxLength: 4 });
const anyTurn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('found'), up: someNumbers, down: someNumbers }) },
  fc.record({
    kind: fc.constant('weight'),
    number: anyNumber,
    weight: fc.constantFrom(0, 1, 7, 200, undefined),
  }),
  fc.record({ kind: fc.constant('drained'), number: anyNumber, drained: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('reload', 'try', 'apply', 'refused'), spec: anySpec }),
  fc.record({ kind: fc.constantFrom('confirm', 'revert', 'restart') }),
);

const COMMANDS = ['onUp', 'onDown', 'onQuorumUp', 'onQuorumDown'].map((name) => `, ${name}: {shell: "true"}`);

/** The configuration of a spec, in which everything has a command. */
function configurationOf(spec: Spec): string {
  return yamlOf(spec, COMMANDS.join(''));
}

/** A director that takes random turns, and what it is held to. */
class Run {
  readonly #seen: (readonly [Input, StepResult])[] = [];
  /** The last command of each line since its real or service has been there: `up`. */
  readonly #last = new Map<string, string>();
  readonly #first: World;
  /** The changes by hand that hold, or may hold again after a trial. */
  readonly #byHandNow = new Map<string, Handling>();
  /** Reals that had failed when a trial took them away. */
  readonly #failedAway = new Set<string>();
  world: World;
  spec: Spec;
  before: Spec | undefined;

  constructor(spec: Spec) {
    this.spec = spec;
    this.#first = deepFreeze(begin(configurationOf(spec)));
    this.world = this.#first;
  }

  take(turn: Turn): void {
    switch (turn.kind) {
      case 'found':
        return this.#found(turn);
      case 'weight':
        return this.#byHand(turn.number, { weight: turn.weight });
      case 'drained':
        return this.#byHand(turn.number, { drained: turn.drained });
      case 'restart':
        return this.#restart();
      case 'confirm':
        if (this.before === undefined) return;
        this.before = undefined;
        return this.#step({ kind: 'confirm' });
      case 'revert':
        return this.#revert();
      default:
        this.#configure(turn.kind, turn.spec);
    }
  }

  /** The same inputs give the same worlds, events and commands again. */
  replay(): void {
    let world = this.#first;
    for (const [input, expected] of this.#seen) {
      const result = step(world, input, 0);
      expect(outcomeOf(result)).toEqual(outcomeOf(expected));
      world = result.world;
    }
  }

  #found({ up, down }: Extract<Turn, { kind: 'found' }>): void {
    const found = allReals(this.world).flatMap(({ real, checks }) => [
      ...(isOf(real.id, down) ? checks.map(({ key }) => ({ key, state: DOWN })) : []),
      ...(isOf(real.id, up) ? checks.map(({ key }) => ({ key, state: UP })) : []),
    ]);
    this.#step({ kind: 'checks', results: found });
    for (const { real, health } of allReals(this.world)) {
      // What came last holds.
      if (isOf(real.id, up)) expect(health?.up).toBe(true);
      else if (isOf(real.id, down)) expect(health?.up).toBe(false);
    }
  }

  #byHand(
    number: number,
    change: { readonly weight?: number | undefined } | { readonly drained: boolean },
  ): void {
    const input = { kind: 'override', selector: { address: ip(`10.0.0.${number}`) }, change } as const;
    const ids = allReals(this.world).flatMap(({ real: { id } }) => (id.endsWith(`.${number}`) ? [id] : []));
    if (ids.length === 0) return expect(() => step(this.world, input, 0)).toThrow(CulvertError);
    const expected = ids.map((id) => ({ ...handlingOf(this.world, id), ...change }));
    for (const [index, id] of ids.entries()) this.#byHandNow.set(id, expected[index] as Handling);
    this.#step(input);
  }

  #configure(kind: 'reload' | 'try' | 'apply' | 'refused', spec: Spec): void {
    const loaded = parseYaml(configurationOf(spec), 'culvert.yaml');
    const input: Input =
      kind === 'reload'
        ? { kind: 'configure', verb: 'reload', loaded }
        : { kind: 'configure', verb: 'apply', loaded, deadlineMs: kind === 'try' ? 5000 : undefined };
    // What is not committed has changed nothing: worlds are values.
    if (kind === 'refused') return void step(this.world, input, 0);
    if (kind === 'try') this.before ??= this.spec;
    if (kind === 'reload') this.before = undefined;
    this.spec = spec;
    this.#step(input);
  }

  #revert(): void {
    if (this.before === undefined) return;
    const tried = this.world;
    const failedAway = new Set(this.#failedAway);
    this.spec = this.before;
    this.before = undefined;
    this.#step({ kind: 'configure', verb: 'revert' });
    expect(this.world.running.current).toBe(tried.running.trial?.before);
    // What had failed before the trial, and was not in it, has not been proved since.
    for (const { real, health } of allReals(this.world)) {
      if (failedAway.has(real.id) && !tried.model.places.has(real.id)) expect(health?.up).toBe(false);
    }
  }

  #restart(): void {
    const { world } = this;
    const { current, trial } = world.running;
    // A trial of an earlier run goes on: here its configuration is taken for the file's.
    if (trial !== undefined) return;
    const kept = begin(configurationOf(this.spec), {
      state: savedState(world),
      forwarded: world.table.services,
    });
    expect(kept.running.current.revision).toBe(current.revision);
    expect(kept.table).toEqual(world.table);
    expect(kept.byHand).toEqual(world.byHand);
  }

  #step(input: Input): void {
    const before = this.world;
    const result = step(before, input, 0);
    this.world = deepFreeze(result.world);
    this.#seen.push([input, result]);
    this.#follow(before);
    const handled = [...this.world.byHand].filter(([id]) => this.#byHandNow.has(id));
    expect(handled).toHaveLength(this.world.byHand.size);
    for (const [id, handling] of this.#byHandNow) expect(handlingOf(this.world, id)).toEqual(handling);
    this.#expectSound(before, result);
    this.#expectCommands(before, result);
  }

  /** Keeps what a trial may need again, and forgets it when there is none. */
  #follow(before: World): void {
    const { places } = this.world.model;
    for (const { real, health } of allReals(before)) {
      const failed = health?.up === false && !health.presumed;
      if (failed && !places.has(real.id)) this.#failedAway.add(real.id);
    }
    if (this.before !== undefined) return;
    this.#failedAway.clear();
    for (const id of this.#byHandNow.keys()) if (!places.has(id)) this.#byHandNow.delete(id);
  }

  #expectSound(before: World, { world, events }: StepResult): void {
    expect(world.services.map(({ service }) => service.config.port)).toEqual(
      this.spec.map(({ port }) => port),
    );
    expect(world.running.trial === undefined).toBe(this.before === undefined);
    const turned: string[] = [];
    for (const [index, spec] of this.spec.entries()) {
      const service = world.services[index] as ServiceWorld;
      const former = before.services.find((one) => one.service.name === service.service.name)?.quorum;
      expectQuorum(world, service, { spec, former });
      if (former === 'up' && service.quorum === 'lost') turned.push(`quorum-lost ${service.service.name}`);
      if (former === 'lost' && service.quorum === 'up') turned.push(`quorum-up ${service.service.name}`);
      expect(world.table.services[index]).toBe(service.entry);
    }
    const known = before.services.map((one) => one.service.name);
    const reported = events.filter(({ type }) => type.startsWith('quorum')).map(describeQuorumEvent);
    expect(reported.filter((words) => known.some((name) => words.endsWith(name)))).toEqual(turned);
    const isSame = isDeepStrictEqual(before.table, world.table);
    expect(before.table === world.table).toBe(isSame);
  }

  /** While a real or service is there, its commands say in turn that it is up and down. */
  #expectCommands(before: World, { world, commands }: StepResult): void {
    for (const { line, environment } of commands) {
      expect(this.#last.get(line)).not.toBe(environment['CULVERT_STATE']);
      this.#last.set(line, environment['CULVERT_STATE'] ?? '');
    }
    const lines = new Set([
      ...world.model.places.keys(),
      ...world.model.services.map(({ name }) => `quorum of ${name}`),
    ]);
    if (before.model !== world.model)
      for (const line of this.#last.keys()) if (!lines.has(line)) this.#last.delete(line);
  }
}

function isOf(id: string, numbers: readonly number[]): boolean {
  return numbers.some((number) => id.endsWith(` 10.0.0.${number}`));
}

/** A result without its model, which has functions. */
function outcomeOf({ world, events, commands, saves }: StepResult): object {
  const { table, byHand, gone, services } = world;
  const known = services.map(({ quorum, weight, reals }) => ({
    quorum,
    weight,
    health: reals.map(({ health }) => health),
  }));
  return { table, byHand, gone, known, events, commands, saves };
}

function describeQuorumEvent({ type, message }: { readonly type: string; readonly message: string }): string {
  return `${type} ${/^tcp \S+/.exec(message)?.[0]}`;
}

/** As keepalived's rule has it: lost below quorum - hysteresis, regained at quorum + hysteresis; and what is forwarded then. */
function expectQuorum(
  world: World,
  { service, reals, weight, quorum, entry }: ServiceWorld,
  { spec, former }: { readonly spec: ServiceSpec; readonly former: string | undefined },
): void {
  const healthOf = ({ number }: RealSpec): boolean =>
    reals.find(({ real }) => real.id.endsWith(`.${number}`))?.health?.up ?? true;
  const weightOf = ({ number, weight: configured }: RealSpec): number => {
    const handling = world.byHand.get(`${service.name} 10.0.0.${number}`);
    return handling?.drained ? 0 : (handling?.weight ?? configured);
  };
  const sum = spec.reals.filter(healthOf).reduce((total, real) => total + weightOf(real), 0);
  expect(weight).toBe(sum);
  const isLost =
    sum === 0 || sum < (former === 'up' ? spec.quorum - spec.hysteresis : spec.quorum + spec.hysteresis);
  expect(quorum).toBe(isLost ? 'lost' : 'up');
  const lines = entry.reals.map(({ address, weight: given, serving }) => {
    const name = `${formatServiceName(entry)} ${formatIp(address)}`;
    return `${name} w${given}${serving ? '' : ' -'}`;
  });
  expect(lines).toEqual(forwardingOf(spec, { isUp: healthOf, weightOf, isLost }));
}

const frozen = new WeakSet<object>();

/** A step that wrote to a former world would throw. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || frozen.has(value) || ArrayBuffer.isView(value))
    return value;
  frozen.add(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

test('after every step the table follows from configuration, health, quorum and the changes by hand', () => {
  const turns = fc.array(anyTurn, { minLength: 5, maxLength: 40 });
  const property = fc.property(anySpec, turns, (spec, all) => {
    const run = new Run(spec);
    for (const turn of all) run.take(turn);
    run.replay();
  });
  fc.assert(property, { numRuns: quickOrLong(200, 2000) });
});
