import type { GoldenReal } from '../../../../golden/ipvs/golden.ts';
import { CLIENT, type GoldenSet, realsOf, type ScenarioInput, syn, VIP } from './scenario-input.ts';

/** Longer than FIN_WAIT, here a second, by what a slow CPU needs. */
const PAST_FIN_WAIT_MS = 1250;

const COUNTING = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'fo', 'ovf', 'lblc', 'lblcr', 'sh', 'dh', 'mh'];

export const THRESHOLDS: GoldenSet = {
  description: 'When a real is full (upper threshold), and when it takes new flows again (lower threshold)',
  scenarios: [
    ...['rr', 'wlc'].flatMap((scheduler) => [
      filling(scheduler, 'upper 4, 4 and none', [{ upper: 4 }, { upper: 4 }, {}]),
      filling(scheduler, 'upper 6, lower 3', [{ upper: 6, lower: 3 }, {}, {}]),
      filling(scheduler, 'all full at 8', [{ upper: 8, lower: 7 }, { upper: 8, lower: 2 }, { upper: 8 }]),
    ]),
    ...COUNTING.map(changing),
  ],
};

function filling(
  scheduler: string,
  remark: string,
  limits: readonly Pick<GoldenReal, 'upper' | 'lower'>[],
): ScenarioInput {
  const reals = realsOf([1, 1, 1]).map((real, i) => ({ ...real, ...limits[i] }));
  return {
    ...scenario(scheduler, remark, reals),
    steps: [
      syn('0-8'),
      syn('9-17'),
      syn('18-29'),
      { send: 'ACK', flows: '0-29' },
      // One after another, so that each threshold is crossed where it is seen.
      ...['0-3', '4-7', '8-11', '12-15', '16-19', '20-23'].flatMap((flows, i) => [
        { send: 'FIN|ACK', flows },
        { waitMs: PAST_FIN_WAIT_MS },
        syn(`${30 + 3 * i}-${32 + 3 * i}`),
      ]),
    ],
  };
}

/** Limits that are given, moved and taken away while flows are there. */
function changing(scheduler: string): ScenarioInput {
  const reals = realsOf([1, 1]);
  const [a] = reals as [GoldenReal];
  return {
    ...scenario(scheduler, 'limits change', reals),
    steps: [
      syn('0-7'),
      { change: { edit: { ...a, upper: 2 } } },
      syn('8-11'),
      { change: { edit: { ...a, upper: 20 } } },
      syn('12-15'),
      { change: { edit: { ...a, upper: 3, lower: 1 } } },
      syn('16-19'),
      { change: { edit: { ...a, upper: 0, lower: 0 } } },
      syn('20-23'),
    ],
  };
}

function scenario(
  scheduler: string,
  remark: string,
  reals: readonly GoldenReal[],
): Omit<ScenarioInput, 'steps'> {
  return {
    name: `${scheduler}, ${remark}`,
    service: { protocol: 'tcp', vip: VIP, port: 80, scheduler },
    reals,
    timeouts: [900, 1, 300],
    flows: { client: CLIENT, port: 40_000, portStep: 1 },
    observe: ['counts'],
  };
}
