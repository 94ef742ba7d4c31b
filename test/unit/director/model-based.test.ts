/** Random sequences of what happens to a director, each step held to a model of what has to be forwarded then. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import type { AppliedConfig, AppliedStore } from '../../../src/director/changes/applied-store.ts';
import { RunningConfig } from '../../../src/director/changes/running-config.ts';
import { Director } from '../../../src/director/director.ts';
import { EventLog } from '../../../src/director/event-log.ts';
import { PlaneEvents } from '../../../src/director/plane-events.ts';
import { type DirectorState, EMPTY_STATE, type StateStore } from '../../../src/director/state/state-store.ts';
import { CulvertError } from '../../../src/errors.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { quickOrLong } from '../../long.ts';
import { ImagePlane } from './image-plane.ts';
import {
  anyNumber,
  anySpec,
  forwardingOf,
  type RealSpec,
  type ServiceSpec,
  type Spec,
  yamlOf,
} from './random-specs.ts';

type Step =
  | { readonly kind: 'break' | 'mend'; readonly number: number }
  | { readonly kind: 'weight'; readonly number: number; readonly weight: number }
  | { readonly kind: 'clear' | 'drain' | 'undrain'; readonly number: number }
  | { readonly kind: 'reload' | 'try' | 'refused'; readonly spec: Spec }
  | { readonly kind: 'confirm' | 'revert' | 'expire' | 'restart' };

const TRIAL_MS = 5000;
const STEP_MS = 400;

/** Without hysteresis: what a quorum was before depends on when the checks have run. */
const anyPlainSpec: fc.Arbitrary<Spec> = anySpec.map((spec) =>
  spec.map((one) => ({ ...one, hysteresis: 0 })),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('break', 'mend'), number: anyNumber }),
  fc.record({ kind: fc.constant('weight'), number: anyNumber, weight: fc.constantFrom(0, 1, 7, 200) }),
  fc.record({ kind: fc.constantFrom('clear', 'drain', 'undrain'), number: anyNumber }),
  fc.record({ kind: fc.constantFrom('reload', 'try', 'refused'), spec: anyPlainSpec }),
  fc.record({ kind: fc.constantFrom('confirm', 'revert', 'expire', 'restart') }),
);

/** What the director is to know and do, in the simplest form. */
class Model {
  spec: Spec;
  readonly broken = new Set<number>();
  /** By `port number`. */
  readonly overrides = new Map<string, number>();
  readonly drained = new Set<string>();
  trial: { readonly before: Spec } | undefined;
  /** Steps since the trial was given its deadline. */
  age = 0;

  constructor(spec: Spec) {
    this.spec = spec;
  }

  idsOf(number: number): string[] {
    return this.#ids(this.spec).filter((id) => id.endsWith(` ${number}`));
  }

  beginTrial(spec: Spec): void {
    this.trial = { before: this.trial?.before ?? this.spec };
    this.spec = spec;
    this.age = 0;
  }

  /** What was done by hand to reals that are gone for good is forgotten. */
  settle(): void {
    this.trial = undefined;
    const ids = new Set(this.#ids(this.spec));
    for (const id of this.overrides.keys()) if (!ids.has(id)) this.overrides.delete(id);
    for (const id of this.drained) if (!ids.has(id)) this.drained.delete(id);
  }

  /** As `ImagePlane.forwarding()` has it. */
  forwarding(): string[] {
    return this.spec.flatMap((service) => this.#service(service)).sort();
  }

  #service(service: ServiceSpec): string[] {
    const { port, quorum, reals } = service;
    const isUp = ({ number }: RealSpec): boolean => !this.broken.has(number);
    const weightOf = ({ number, weight }: RealSpec): number => {
      const id = `${port} ${number}`;
      return this.drained.has(id) ? 0 : (this.overrides.get(id) ?? weight);
    };
    const sum = reals.filter(isUp).reduce((total, real) => total + weightOf(real), 0);
    return forwardingOf(service, { isUp, weightOf, isLost: sum === 0 || sum < quorum });
  }

  #ids(spec: Spec): string[] {
    return spec.flatMap(({ port, reals }) => reals.map(({ number }) => `${port} ${number}`));
  }
}

class MemoryStore implements StateStore {
  state: DirectorState = EMPTY_STATE;

  load(): ReturnType<StateStore['load']> {
    return Promise.resolve({ state: this.state, fault: undefined });
  }

  save(state: DirectorState): Promise<void> {
    this.state = state;
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.state = EMPTY_STATE;
    return Promise.resolve();
  }
}

class MemoryAppliedStore implements AppliedStore {
  applied: AppliedConfig | undefined;

  load(): ReturnType<AppliedStore['load']> {
    return Promise.resolve({ applied: this.applied, fault: undefined });
  }

  save(applied: AppliedConfig | undefined): Promise<void> {
    this.applied = applied;
    return Promise.resolve();
  }
}

const hostFacts = (): Promise<{ interfaces: string[] }> => Promise.resolve({ interfaces: ['eth0'] });

/** A director whose files and machine are in memory, and whose clock is the test's. */
class Subject {
  readonly #store = new MemoryStore();
  readonly #applied = new MemoryAppliedStore();
  #text: string;
  plane = new ImagePlane();
  director!: Director;

  constructor(spec: Spec) {
    this.#text = yamlOf(spec);
  }

  async start(): Promise<void> {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const events = new EventLog({ now: Date.now, log });
    const common = { events, now: Date.now, hostFacts };
    const file = parseYaml(this.#text, 'culvert.yaml');
    const running = await RunningConfig.open({ ...common, file, store: this.#applied });
    this.director = await Director.start({
      ...common,
      running,
      configPath: 'culvert.yaml',
      loadConfig: (path) => Promise.resolve(parseYaml(this.#text, path)),
      plane: this.plane,
      planeEvents: new PlaneEvents(events),
      store: this.#store,
    });
  }

  /** The image and who is broken outlive the daemon. */
  async restart(): Promise<void> {
    await this.director.close();
    await this.start();
  }

  reload(spec: Spec): Promise<unknown> {
    this.#text = yamlOf(spec);
    return this.director.reload();
  }

  apply(spec: Spec): Promise<unknown> {
    return this.director.apply(parse(yamlOf(spec)), { confirmMs: TRIAL_MS });
  }
}

/** As long as several checks of each real take, and less than a trial. */
async function pass(milliseconds = STEP_MS): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

async function carryOut(step: Step, subject: Subject, model: Model): Promise<void> {
  const { director, plane } = subject;
  switch (step.kind) {
    case 'break':
      model.broken.add(step.number);
      plane.connector.broken.add(`10.0.0.${step.number}`);
      return;
    case 'mend':
      model.broken.delete(step.number);
      plane.connector.broken.delete(`10.0.0.${step.number}`);
      return;
    case 'weight':
    case 'clear':
    case 'drain':
    case 'undrain':
      return byHand(step, director, model);
    case 'reload':
      await subject.reload(step.spec);
      model.spec = step.spec;
      model.settle();
      return;
    case 'try': {
      await subject.apply(step.spec);
      model.beginTrial(step.spec);
      return;
    }
    case 'refused': {
      const before = plane.forwarding();
      plane.refusal = new CulvertError('CAPACITY', 'full');
      const trying = subject.apply(step.spec);
      const isSame = JSON.stringify(step.spec) === JSON.stringify(model.spec);
      if (isSame) await trying.catch(() => undefined);
      else await Promise.allSettled([trying]);
      plane.refusal = undefined;
      expect(plane.forwarding()).toEqual(before);
      // Where nothing had to be applied, nothing was refused.
      if ((await Promise.allSettled([trying]))[0]?.status === 'fulfilled') {
        model.beginTrial(step.spec);
      }
      return;
    }
    case 'restart':
      return subject.restart();
    default:
      return endTrial(step.kind, director, model);
  }
}

async function byHand(
  step: Extract<Step, { number: number }>,
  director: Director,
  model: Model,
): Promise<void> {
  const ids = model.idsOf(step.number);
  const selector = { address: ip(`10.0.0.${step.number}`) };
  const isThere = ids.length > 0;
  const done =
    step.kind === 'weight'
      ? director.setWeight(selector, step.weight)
      : step.kind === 'clear'
        ? director.clearWeight(selector)
        : step.kind === 'drain'
          ? director.drain(selector)
          : director.undrain(selector);
  if (!isThere) return expect(done).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await done;
  for (const id of ids) {
    if (step.kind === 'weight') model.overrides.set(id, step.weight);
    if (step.kind === 'clear') model.overrides.delete(id);
    if (step.kind === 'drain') model.drained.add(id);
    if (step.kind === 'undrain') model.drained.delete(id);
  }
}

async function endTrial(
  kind: 'confirm' | 'revert' | 'expire',
  director: Director,
  model: Model,
): Promise<void> {
  const { trial } = model;
  if (kind === 'expire') await pass(TRIAL_MS + 1000);
  else if (trial === undefined) {
    await expect(kind === 'confirm' ? director.confirm() : director.revert()).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    return;
  } else await (kind === 'confirm' ? director.confirm() : director.revert());
  if (trial === undefined) return;
  if (kind !== 'confirm') model.spec = trial.before;
  model.settle();
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what is forwarded is what configuration, health and the operator come to, after every step', async () => {
  const property = fc.asyncProperty(
    anyPlainSpec,
    fc.array(anyStep, { minLength: 5, maxLength: 20 }),
    async (spec, steps) => {
      const subject = new Subject(spec);
      const model = new Model(spec);
      await subject.start();
      for (const step of steps) {
        await carryOut(step, subject, model);
        await pass();
        model.age++;
        // A trial that nobody confirms ends by itself.
        if (model.age * STEP_MS >= TRIAL_MS && model.trial !== undefined) {
          await endTrial('expire', subject.director, model);
          await pass();
        }
        expect(subject.plane.forwarding()).toEqual(model.forwarding());
      }
      await subject.director.close();
    },
  );
  await fc.assert(property, { numRuns: quickOrLong(25, 100) });
});
