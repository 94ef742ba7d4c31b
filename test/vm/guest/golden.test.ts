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
    const differences: string[] = [];
    for (const scenario of known) differences.push(...(await differencesOf(scenario)));
    expect(differences).toEqual([]);
  });

  test('states', async () => {
    for (const { after, ...table } of readStates().tables.filter(({ kernels }) => kernels.includes(SERIES))) {
      const played = await playStates(network, table);
      if (!sameStates(after, played)) expect(played, table.name).toEqual(after);
    }
  });

  async function differencesOf(scenario: Scenario): Promise<string[]> {
    const outcomes = await play(network, scenario);
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
});
