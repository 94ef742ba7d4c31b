/** Random sequences of what happens to a director, each step held to a model of what has to be forwarded then. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { parseYaml } from '../../../src/config/load/parse-yaml.ts';
import type { AppliedConfig, AppliedStore } from '../../../src/director/changes/applied-store.ts';
import { RunningConfig } from '../../../src/director/changes/running-config.ts';
import { Director } from '../../../src/director/director.ts';
import { EventLog } from '../../../src/director/event-log.ts';
import { type DirectorState, EMPTY_STATE, type StateStore } from '../../../src/director/state/state-store.ts';
import { CulvertError } from '../../../src/errors.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { quickOrLong } from '../../long.ts';
import { ImagePlane } from './image-plane.ts';

/** A service of a random configuration; reals are 10.0.0.N. */
interface ServiceSpec {
  readonly port: number;
  readonly quorum: number;
  readonly hasSorry: boolean;
  readonly inhibits: boolean;
  readonly reals: readonly { readonly number: number; readonly weight: number }[];
}

type Spec = readonly ServiceSpec[];

type Step =
  | { readonly kind: 'break' | 'mend'; readonly number: number }
  | { readonly kind: 'weight'; readonly number: number; readonly weight: number }
  | { readonly kind: 'clear' | 'drain' | 'undrain'; readonly number: number }
  | { readonly kind: 'reload' | 'try' | 'refused'; readonly spec: Spec }
  | { readonly kind: 'confirm' | 'revert' | 'expire' | 'restart' };

const NUMBERS = [1, 2, 3, 4];
const SORRY = 9;
const TRIAL_MS = 5000;
const STEP_MS = 400;

const anyNumber = fc.constantFrom(...NUMBERS);
const anyReal = fc.record({ number: anyNumber, weight: fc.constantFrom(0, 1, 100) });
const anyReals = fc.uniqueArray(anyReal, { selector: ({ number }) => number, minLength: 1, maxLength: 4 });
const anyService = fc
  .record({
    port: fc.constantFrom(80, 81, 82),
    quorum: fc.constantFrom(1, 2, 150),
    hasSorry: fc.boolean(),
    inhibits: fc.boolean(),
    reals: anyReals,
  })
  .map((service): ServiceSpec => {
    const sum = service.reals.reduce((total, { weight }) => total + weight, 0);
    // More than all of its reals weigh is refused.
    return { ...service, quorum: Math.max(1, Math.min(service.quorum, sum)) };
  });
const anySpec: fc.Arbitrary<Spec> = fc.uniqueArray(anyService, {
  selector: ({ port }) => port,
  minLength: 1,
  maxLength: 3,
});
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('break', 'mend'), number: anyNumber }),
  fc.record({ kind: fc.constant('weight'), number: anyNumber, weight: fc.constantFrom(0, 1, 7, 200) }),
  fc.record({ kind: fc.constantFrom('clear', 'drain', 'undrain'), number: anyNumber }),
  fc.record({ kind: fc.constantFrom('reload', 'try', 'refused'), spec: anySpec }),
  fc.record({ kind: fc.constantFrom('confirm', 'revert', 'expire', 'restart') }),
);

function yamlOf(spec: Spec): string {
  const services = spec.map(({ port, quorum, hasSorry, inhibits, reals }) => {
    const sorry = hasSorry ? `, sorryServer: {address: 10.0.0.${SORRY}}` : '';
    const list = reals.map(({ number, weight }) => `{address: 10.0.0.${number}, weight: ${weight}}`);
    const own = quorum === 1 ? '' : `, quorum: ${quorum}`;
    return `  - {vip: 192.0.2.10, port: ${port}${own}${sorry}, inhibitOnFailure: ${inhibits}, reals: [${list.join(', ')}]}\n`;
  });
  const check = 'check: {interval: 20ms, timeout: 1s, retries: 0, retryDelay: 5ms}';
  return `director: {interface: eth0}\ndefaults: {${check}}\nservices:\n${services.join('')}`;
}

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

  #service({ port, quorum, hasSorry, inhibits, reals }: ServiceSpec): string[] {
    const live = reals.map(({ number, weight }) => {
      const id = `${port} ${number}`;
      const own = this.drained.has(id) ? 0 : (this.overrides.get(id) ?? weight);
      return { number, weight: own, up: !this.broken.has(number) };
    });
    const sum = live.reduce((total, { up, weight }) => total + (up ? weight : 0), 0);
    const sorryServes = hasSorry && (sum === 0 || sum < quorum);
    const lines = live.map(({ number, weight, up }) => {
      const name = `tcp 192.0.2.10:${port} 10.0.0.${number}`;
      if (up && !sorryServes) return `${name} w${weight}`;
      return inhibits || (up && weight === 0) ? `${name} w0` : `${name} w${weight} -`;
    });
    const sorry = `tcp 192.0.2.10:${port} 10.0.0.${SORRY} w100`;
    return hasSorry ? [...lines, sorryServes ? sorry : `${sorry} -`] : lines;
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
    anySpec,
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
  await fc.assert(property, { numRuns: quickOrLong(80, 200) });
});
