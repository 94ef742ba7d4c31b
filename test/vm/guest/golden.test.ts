// What test/golden/ipvs says of this kernel's IPVS still holds: every step is played again, and must come to the same.
import { readdirSync } from 'node:fs';
import { release } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readGolden, readStates, type Scenario } from '../../golden/ipvs/golden.ts';
import { sameOutcome, sameStates } from '../same-outcome.ts';
import { withoutDice } from './ipvs/dice.ts';
import { IpvsNetwork } from './ipvs/network.ts';
import { play } from './ipvs/play.ts';
import { playStates } from './ipvs/states.ts';

const DIRECTORY = new URL('../../golden/ipvs/', import.meta.url);
const SCENARIO_FILES = readdirSync(DIRECTORY)
  .map((name) => /^(.*)\.json$/.exec(name)?.[1])
  .filter((name) => name !== undefined && name !== 'states') as string[];
const SERIES = release().split('.').slice(0, 2).join('.');

describe(`golden files on Linux ${release()}`, () => {
  let network: IpvsNetwork;

  beforeAll(async () => {
    network = await IpvsNetwork.open();
  });
  afterAll(() => network?.[Symbol.dispose]());

  test.each(SCENARIO_FILES)('%s', async (name) => {
    const { scenarios } = readGolden(name);
    const known = scenarios.filter(({ kernels }) => kernels.includes(SERIES));
    expect(known.length, 'scenarios').toBeGreaterThan(0);
    const [waiting, quick] = [known.filter(onlyWaits), known.filter((scenario) => !onlyWaits(scenario))];
    const differences: string[] = [];
    for (const scenario of quick) differences.push(...(await differencesOf(scenario, network)));
    for (const found of await Promise.all(waiting.map(onOwnNetwork))) differences.push(...found);
    expect(differences).toEqual([]);
  });

  test('states', async () => {
    for (const { after, ...table } of readStates().tables.filter(({ kernels }) => kernels.includes(SERIES))) {
      const played = await playStates(network, table);
      if (!sameStates(after, played)) expect(played, table.name).toEqual(after);
    }
  });
});

async function onOwnNetwork(scenario: Scenario): Promise<string[]> {
  using own = await IpvsNetwork.open();
  return await differencesOf(scenario, own);
}

async function differencesOf(scenario: Scenario, on: IpvsNetwork): Promise<string[]> {
  const outcomes = await play(on, scenario);
  if (outcomes === undefined) return [`${scenario.name}: the kernel has no ${scenario.service.scheduler}`];
  return scenario.steps.flatMap((step, i) => {
    const now = outcomes[i] ?? {};
    const same =
      scenario.random === true ? sameOutcome(withoutDice(step), withoutDice(now)) : sameOutcome(step, now);
    return same
      ? []
      : [`${scenario.name}, step ${i}: recorded ${JSON.stringify(step)}, now ${JSON.stringify(now)}`];
  });
}

/** Says that most of its time goes by in waits, which several such scenarios can share, and that its outcome has no time in it. */
function onlyWaits({ steps, observe }: Scenario): boolean {
  return steps.some((step) => 'waitMs' in step) && observe.every((what) => what === 'counts');
}
