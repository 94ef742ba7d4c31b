import type { Action, GoldenReal, GoldenService } from '../../../../golden/ipvs/golden.ts';
import { CLIENT, type GoldenSet, realsOf, type ScenarioInput, syn, VIP } from './scenario-input.ts';

const WEIGHTS = [
  [1, 1, 1],
  [3, 2, 1],
  [1, 2, 3],
  [4, 3, 2, 1],
  [2, 0, 1, 2],
  [6, 3, 3, 0],
  [0, 0, 0],
];
/** Those whose choice depends on what flows there are. */
const COUNTING = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'fo', 'ovf', 'lblc', 'lblcr'];
const ONE_CLIENT = { client: CLIENT, port: 40_000, portStep: 1 };
const ADDRESSES = 6;

export const SCHEDULERS: GoldenSet = {
  description: 'Which real each new TCP flow goes to, with flows established and closed in between',
  scenarios: [
    ...COUNTING.flatMap((scheduler) =>
      WEIGHTS.map((weights) => inTurn(serviceOf(scheduler), weights, ONE_CLIENT)),
    ),
    // Both remember a real for each address of a service: several there are only by a mark.
    ...['lblc', 'lblcr'].flatMap((scheduler) =>
      WEIGHTS.map((weights) =>
        inTurn({ ...serviceOf(scheduler), mark: 1 }, weights, { ...ONE_CLIENT, vipCount: ADDRESSES }),
      ),
    ),
    { ...inTurn(serviceOf('twos'), [3, 2, 1], ONE_CLIENT), random: true },
    inTurn(serviceOf('twos'), [0, 1, 0], ONE_CLIENT, [syn('0-11')]),
    inTurn(serviceOf('twos'), [0, 0, 0], ONE_CLIENT, [syn('0-2')]),
  ],
};

function serviceOf(scheduler: string): GoldenService {
  return { protocol: 'tcp', vip: VIP, port: 80, scheduler };
}

function inTurn(
  service: GoldenService,
  weights: readonly number[],
  flows: NonNullable<ScenarioInput['flows']>,
  steps?: readonly Action[],
): ScenarioInput {
  const reals = realsOf(weights);
  const addresses = flows.vipCount === undefined ? '' : `, ${flows.vipCount} addresses`;
  return {
    name: `${service.scheduler} ${weights.join(':')}${addresses}`,
    service,
    reals,
    flows,
    observe: ['counts'],
    steps: steps ?? stepsOf(reals),
  };
}

function stepsOf(reals: readonly GoldenReal[]): Action[] {
  const [, b, c] = reals as [GoldenReal, GoldenReal, GoldenReal];
  return [
    syn('0-23'),
    { send: 'ACK', flows: every(2, 0, 24) },
    syn('24-35'),
    { send: 'FIN|ACK', flows: every(4, 0, 24) },
    { send: 'RST', flows: every(4, 2, 24) },
    syn('36-47'),
    { send: 'ACK', flows: '24-47' },
    syn('48-59'),
    { change: { edit: { ...b, weight: 0 } } },
    syn('60-67'),
    { change: { edit: { ...b, weight: b.weight + 2 } } },
    syn('68-79'),
    { change: { remove: c.name } },
    syn('80-87'),
    { change: { add: c } },
    syn('88-99'),
  ];
}

function every(step: number, from: number, to: number): string {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step).join(',');
}
