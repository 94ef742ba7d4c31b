// Runs the lab: builds it, plays the scenario, says whether all was as expected.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LabEnvironment } from './environment.ts';
import { Expectations } from './expectations.ts';
import type { LabOptions, LabOutcome } from './lab-options.ts';
import { openLabEnvironment } from './open-environment.ts';
import { playScenario, type ScenarioResult } from './scenario.ts';
import { LiveScreen } from './screen.ts';
import { Traffic } from './traffic.ts';

/**
 * Builds the lab, plays the scenario and always removes everything again.
 * @returns the exit status: 0 when everything was as expected or the operator ended it, else 1.
 */
export async function runLab(options: LabOptions): Promise<number> {
  const startedAt = Date.now();
  await using environment = await openLabEnvironment(options);
  using screen = new LiveScreen(environment, options);
  const expectations = new Expectations((expectation) => screen.expectation(expectation));
  const traffic = new Traffic(environment);
  screen.watch(traffic);
  try {
    const scenario = await playScenario({
      environment,
      traffic,
      expectations,
      say: (sentence) => screen.say(sentence),
      signal: options.signal,
      phaseMs: phaseMs(options.forMs),
    });
    await rest(options, startedAt, screen);
    traffic.stop();
    const outcome = await summarize(environment, { scenario, traffic, expectations, startedAt });
    screen.finish(outcome);
    return expectations.met ? 0 : 1;
  } catch (error) {
    if (options.signal.aborted) return 0;
    throw error;
  } finally {
    traffic.stop();
  }
}

const LEAST_PHASE_MS = 800;
const USUAL_PHASE_MS = 3000;

/** The set-up and the uploads take about half of a short run; three phases of traffic share the rest. */
function phaseMs(forMs = Number.POSITIVE_INFINITY): number {
  return Math.max(LEAST_PHASE_MS, Math.min(USUAL_PHASE_MS, forMs / 15));
}

async function rest(options: LabOptions, startedAt: number, screen: LiveScreen): Promise<void> {
  if (options.forMs === undefined)
    screen.say('the demonstration is complete; press Ctrl-C to remove the lab');
  const left = options.forMs === undefined ? 2 ** 31 - 1 : startedAt + options.forMs - Date.now();
  if (left > 0) await sleep(left, undefined, { signal: options.signal });
}

interface Finished {
  readonly scenario: ScenarioResult;
  readonly traffic: Traffic;
  readonly expectations: Expectations;
  readonly startedAt: number;
}

async function summarize(environment: LabEnvironment, finished: Finished): Promise<LabOutcome> {
  const { plane, stats } = await environment.status();
  return {
    outcome: finished.expectations.met ? 'as expected' : 'not as expected',
    plane,
    durationMs: Date.now() - finished.startedAt,
    expectations: finished.expectations.all,
    requests: finished.traffic.between(),
    scenario: finished.scenario,
    stats,
  };
}
