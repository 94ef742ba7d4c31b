// The scenario of the lab: distribution, a real server that fails and returns, path MTU.
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireReal } from '../contract/api/service-status.ts';
import type { LabEnvironment, LabReal } from './environment.ts';
import type { Expectations } from './expectations.ts';
import { type MtuStory, tellMtuStory } from './mtu-story.ts';
import type { Traffic, TrafficSummary } from './traffic.ts';

export interface ScenarioResult {
  readonly spread: TrafficSummary;
  readonly failover: FailoverResult;
  readonly mtu: MtuStory;
}

export interface FailoverResult {
  /** The time from the end of the server until the director takes the real out, and from its return until it is used again. */
  readonly detectedAfterMs: number | undefined;
  readonly returnedAfterMs: number | undefined;
  readonly whileDetecting: TrafficSummary;
  readonly afterDetection: TrafficSummary;
  readonly afterReturn: TrafficSummary;
}

export interface ScenarioOptions {
  readonly environment: LabEnvironment;
  readonly traffic: Traffic;
  readonly expectations: Expectations;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
  /** The time for which traffic is watched in each phase, and after which an upload counts as hung. */
  readonly phaseMs: number;
}

/** Plays what the lab shows: the distribution, a real that fails and returns, and the MTU story. */
export async function playScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const { environment, expectations, say } = options;
  say('all reals are up; the client sends one request after another');
  await options.traffic.begun(options.signal);
  const spread = await watch(options);
  expectSpread(spread, environment.reals, expectations);
  const failover = await failOver(options);
  say('path MTU: the client uploads 100 kB in segments that do not fit the tunnel');
  const mtu = await tellMtuStory(environment, expectations, { hangMs: options.phaseMs * 2, say });
  return { spread, failover, mtu };
}

async function watch({ traffic, signal, phaseMs }: ScenarioOptions): Promise<TrafficSummary> {
  const from = Date.now();
  await sleep(phaseMs, undefined, { signal });
  return traffic.between(from, Date.now());
}

function expectSpread(spread: TrafficSummary, reals: readonly LabReal[], expectations: Expectations): void {
  const shares = reals.map(({ name }) => `${name} ${spread.byReal[name] ?? 0}`).join(', ');
  const all = reals.every(({ name }) => (spread.byReal[name] ?? 0) > 0);
  expectations.expect('every real answers some requests', all, shares);
  expectations.expect(
    'no request fails',
    spread.failed === 0,
    `${spread.failed} of ${spread.requests} failed`,
  );
}

async function failOver(options: ScenarioOptions): Promise<FailoverResult> {
  const { environment, traffic, expectations, say } = options;
  const victim = environment.reals[1];
  if (victim === undefined) throw new RangeError('the lab needs at least two reals');

  say(`the HTTP server on ${victim.name} is killed`);
  const killedAt = Date.now();
  await environment.stopServer(victim);
  const detectedAt = await waitForHealth(options, victim, 'down');
  const whileDetecting = traffic.between(killedAt, detectedAt);
  say(`${victim.name} is down; its traffic moves to the other reals`);
  const afterDetection = await watch(options);
  const detectedAfterMs = detectedAt && detectedAt - killedAt;
  expectDetection({ detectedAfterMs, whileDetecting, afterDetection }, victim, expectations);

  say(`the HTTP server on ${victim.name} is started again`);
  await environment.startServer(victim);
  const startedAt = Date.now();
  const returnedAt = await waitForHealth(options, victim, 'up');
  const afterReturn = await watch(options);
  const returnedAfterMs = returnedAt && returnedAt - startedAt;
  expectReturn({ returnedAfterMs, afterReturn }, victim, expectations);
  return { detectedAfterMs, returnedAfterMs, whileDetecting, afterDetection, afterReturn };
}

function expectDetection(
  result: Pick<FailoverResult, 'detectedAfterMs' | 'whileDetecting' | 'afterDetection'>,
  victim: LabReal,
  expectations: Expectations,
): void {
  const { detectedAfterMs, whileDetecting, afterDetection } = result;
  expectations.expect(
    'the health check takes it out of service',
    detectedAfterMs !== undefined,
    `after ${detectedAfterMs} ms; until then ${whileDetecting.failed} of ${whileDetecting.requests} requests failed`,
  );
  expectations.expect(
    'after that no request fails and none goes to this real',
    afterDetection.failed === 0 && afterDetection.byReal[victim.name] === undefined,
    `${afterDetection.failed} of ${afterDetection.requests} failed`,
  );
}

function expectReturn(
  { returnedAfterMs, afterReturn }: Pick<FailoverResult, 'returnedAfterMs' | 'afterReturn'>,
  victim: LabReal,
  expectations: Expectations,
): void {
  expectations.expect(
    'the health check returns it to service',
    returnedAfterMs !== undefined,
    `after ${returnedAfterMs} ms`,
  );
  expectations.expect(
    'and it answers requests again',
    (afterReturn.byReal[victim.name] ?? 0) > 0 && afterReturn.failed === 0,
    `${afterReturn.byReal[victim.name] ?? 0} of ${afterReturn.requests} requests, ${afterReturn.failed} failed`,
  );
}

const HEALTH_TIMEOUT_MS = 10_000;
const HEALTH_POLL_MS = 10;

/** Waits until every service has the real in this state. Returns the wall clock in milliseconds; undefined if it never does. */
async function waitForHealth(
  { environment, signal }: ScenarioOptions,
  real: LabReal,
  state: WireReal['health']['state'],
): Promise<number | undefined> {
  const deadline = Date.now() + HEALTH_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { services } = await environment.status();
    const entries = services.flatMap(({ reals }) => reals.filter(({ address }) => address === real.address));
    if (entries.every(({ health }) => health.state === state)) return Date.now();
    await sleep(HEALTH_POLL_MS, undefined, { signal });
  }
  return undefined;
}
