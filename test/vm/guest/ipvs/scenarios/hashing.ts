import type { Action, GoldenReal, GoldenService } from '../../../../golden/ipvs/golden.ts';
import { CLIENT, type GoldenSet, realsOf, type ScenarioInput, syn, VIP } from './scenario-input.ts';

const WEIGHTS = [
  [1, 1, 1],
  [3, 2, 1],
  [2, 0, 1, 2],
];
const FLAGS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  sh: [[], ['sh-port'], ['sh-fallback'], ['sh-fallback', 'sh-port']],
  mh: [[], ['mh-port'], ['mh-fallback'], ['mh-fallback', 'mh-port']],
};
/** Clients that differ in address and port. */
const CLIENTS = { client: '198.18.0.1', clientStep: 263, port: 20_000, portStep: 37 };
const ALL = '0-199';

export const HASHING: GoldenSet = {
  description: 'Which real sh, mh and dh choose for 200 clients (dh: service addresses)',
  scenarios: [
    ...Object.entries(FLAGS).flatMap(([scheduler, sets]) =>
      sets.flatMap((flags) => [
        ...WEIGHTS.map((weights) => hashed({ scheduler, flags }, realsOf(weights))),
        hashed({ scheduler, flags }, withFullB(), 'B full at 5'),
        changing({ scheduler, flags }),
      ]),
    ),
    ...WEIGHTS.map((weights) => byAddress(realsOf(weights))),
    byAddress(withFullB(), 'B full at 5'),
  ],
};

type Choice = Pick<GoldenService, 'scheduler'> & { readonly flags: readonly string[] };

function hashed(choice: Choice, reals: readonly GoldenReal[], remark?: string): ScenarioInput {
  return {
    name: nameOf(choice, reals, remark),
    service: serviceOf(choice),
    reals,
    flows: CLIENTS,
    observe: ['counts'],
    steps: [syn(ALL)],
  };
}

/** What moves when a real leaves, loses its weight and comes back. */
function changing(choice: Choice): ScenarioInput {
  const reals = realsOf([2, 1, 1]);
  const [, b] = reals as [GoldenReal, GoldenReal];
  const steps: Action[] = [
    syn('0-39'),
    { change: { edit: { ...b, weight: 0 } } },
    syn('40-79'),
    { change: { edit: { ...b, weight: 3 } } },
    syn('80-119'),
    { change: { remove: 'B' } },
    syn('120-159'),
    { change: { add: b } },
    syn('160-199'),
  ];
  return { ...hashed(choice, reals, 'B changes'), steps };
}

function byAddress(reals: readonly GoldenReal[], remark?: string): ScenarioInput {
  const choice = { scheduler: 'dh', flags: [] };
  return {
    ...hashed(choice, reals, remark),
    service: { ...serviceOf(choice), mark: 1 },
    flows: { client: CLIENT, port: 20_000, portStep: 37, vipCount: 200 },
  };
}

function serviceOf({ scheduler, flags }: Choice): GoldenService {
  const service = { protocol: 'tcp', vip: VIP, port: 80, scheduler } as const;
  return flags.length === 0 ? service : { ...service, flags };
}

function withFullB(): GoldenReal[] {
  return realsOf([1, 1, 1]).map((real) => (real.name === 'B' ? { ...real, upper: 5 } : real));
}

function nameOf({ scheduler, flags }: Choice, reals: readonly GoldenReal[], remark?: string): string {
  const weights = reals.map(({ weight }) => weight).join(':');
  return [scheduler, ...flags, weights, ...(remark === undefined ? [] : [remark])].join(' ');
}
