// Random configurations of a director, and their YAML.
import * as fc from 'fast-check';

/** A service of a random configuration; reals are 10.0.0.N. */
export interface ServiceSpec {
  readonly port: number;
  readonly quorum: number;
  readonly hysteresis: number;
  readonly hasSorry: boolean;
  readonly inhibits: boolean;
  readonly reals: readonly RealSpec[];
}

export interface RealSpec {
  readonly number: number;
  readonly weight: number;
}

export type Spec = readonly ServiceSpec[];

export const NUMBERS: readonly number[] = [1, 2, 3, 4];
export const SORRY = 9;

export const anyNumber: fc.Arbitrary<number> = fc.constantFrom(...NUMBERS);
const anyReal = fc.record({ number: anyNumber, weight: fc.constantFrom(0, 1, 100) });
const anyReals = fc.uniqueArray(anyReal, { selector: ({ number }) => number, minLength: 1, maxLength: 4 });
const anyService = fc
  .record({
    port: fc.constantFrom(80, 81, 82),
    quorum: fc.constantFrom(1, 2, 60, 150),
    hysteresis: fc.constantFrom(0, 0, 1, 60),
    hasSorry: fc.boolean(),
    inhibits: fc.boolean(),
    reals: anyReals,
  })
  .map((service): ServiceSpec => {
    const sum = service.reals.reduce((total, { weight }) => total + weight, 0);
    // A quorum that its reals can never gain, or never lose, is refused.
    const quorum = Math.max(1, Math.min(service.quorum, sum));
    const hysteresis = Math.max(0, Math.min(service.hysteresis, quorum - 1, sum - quorum));
    return { ...service, quorum, hysteresis };
  });
export const anySpec: fc.Arbitrary<Spec> = fc.uniqueArray(anyService, {
  selector: ({ port }) => port,
  minLength: 1,
  maxLength: 3,
});

/** @param defaults further keys of `defaults` */
export function yamlOf(spec: Spec, defaults = ''): string {
  const services = spec.map(({ port, quorum, hysteresis, hasSorry, inhibits, reals }) => {
    const sorry = hasSorry ? `, sorryServer: {address: 10.0.0.${SORRY}}` : '';
    const list = reals.map(({ number, weight }) => `{address: 10.0.0.${number}, weight: ${weight}}`);
    const own = quorum === 1 ? '' : `, quorum: ${quorum}`;
    const margin = hysteresis === 0 ? '' : `, hysteresis: ${hysteresis}`;
    return `  - {vip: 192.0.2.10, port: ${port}${own}${margin}${sorry}, inhibitOnFailure: ${inhibits}, reals: [${list.join(', ')}]}\n`;
  });
  const check = 'check: {interval: 20ms, timeout: 1s, retries: 0, retryDelay: 5ms}';
  return `director: {interface: eth0}\ndefaults: {${check}${defaults}}\nservices:\n${services.join('')}`;
}

/** The knowledge that decides about what a service forwards to. */
export interface Known {
  readonly isUp: (real: RealSpec) => boolean;
  /** The weight by hand, or the configured one. */
  readonly weightOf: (real: RealSpec) => number;
  readonly isLost: boolean;
}

/** What is forwarded of a service, as `ImagePlane.forwarding()` has it. */
export function forwardingOf({ port, hasSorry, inhibits, reals }: ServiceSpec, known: Known): string[] {
  const sorryServes = hasSorry && known.isLost;
  const lines = reals.map((real) => {
    const name = `tcp 192.0.2.10:${port} 10.0.0.${real.number}`;
    const [up, weight] = [known.isUp(real), known.weightOf(real)];
    if (up && !sorryServes) return `${name} w${weight}`;
    return inhibits || (up && weight === 0) ? `${name} w0` : `${name} w${weight} -`;
  });
  const sorry = `tcp 192.0.2.10:${port} 10.0.0.${SORRY} w100`;
  return hasSorry ? [...lines, sorryServes ? sorry : `${sorry} -`] : lines;
}
