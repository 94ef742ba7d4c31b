// Waits until no connection to drained reals can be left.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../api/client/client.ts';
import type { WireReal } from '../../contract/api/service-status.ts';
import { serviceName } from '../../contract/api/service-text.ts';
import { CulvertError } from '../../errors.ts';
import { completionText } from '../tables/flow-words.ts';

export interface DrainWait {
  /** The drained reals. */
  readonly reals: readonly WireReal[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Receives a line for each change, and one each minute. */
  readonly progress: (line: string) => void;
}

const POLL_MS = 1000;
const GONE = 'the director is gone; waiting until one answers again';
/** Interval at which unchanged numbers are printed again. */
const REPEAT_MS = 60_000;

/**
 * Resolves once each real is known to have no connection left, or is out of its service or the configuration. A director that
 * restarts meanwhile is waited for: the drain outlives it.
 * @throws CulvertError TIMEOUT with the least number of connections left; CONFLICT when a real is no longer drained.
 */
export async function waitDrained(client: Pick<ApiClient, 'reals'>, wait: DrainWait): Promise<void> {
  const endMs = Date.now() + wait.timeoutMs;
  let said = '';
  let saidMs = 0;
  for (let left = wait.reals; ; ) {
    const current = await currentReals(client, wait.reals);
    left = current?.filter(mayHaveFlows) ?? left;
    if (left.length === 0) return;
    const nowMs = Date.now();
    if (nowMs >= endMs) throw timedOut(left, nowMs);
    const isGone = current === undefined;
    const news = isGone ? GONE : left.map((real) => `${nameOf(real)} ${flowsText(real)}`).join('\n');
    if (news !== said || nowMs - saidMs >= REPEAT_MS) {
      for (const line of isGone ? [GONE] : left.map((real) => leftText(real, nowMs))) wait.progress(line);
      said = news;
      saidMs = nowMs;
    }
    await sleep(Math.min(POLL_MS, endMs - nowMs), undefined, { signal: wait.signal });
  }
}

/**
 * Returns the current state of the reals, without those that no longer exist; undefined while no director answers.
 * @throws CulvertError CONFLICT
 */
async function currentReals(
  client: Pick<ApiClient, 'reals'>,
  drained: readonly WireReal[],
): Promise<readonly WireReal[] | undefined> {
  const wanted = new Set(drained.map(nameOf));
  const all = await client.reals().catch((error: unknown) => {
    if (error instanceof CulvertError && error.code === 'NOT_RUNNING') return undefined;
    throw error;
  });
  if (all === undefined) return undefined;
  const reals = all.filter((real) => wanted.has(nameOf(real)));
  const undrained = reals.find((real) => !real.drained);
  if (undrained === undefined) return reals;
  throw new CulvertError(
    'CONFLICT',
    `${nameOf(undrained)} is no longer drained: another command has ended the drain`,
  );
}

/** Persistent clients come back to a drained real. */
function mayHaveFlows(real: WireReal): boolean {
  return !real.activeKnown || real.activeFlows + real.inactiveFlows + real.persistentClients > 0;
}

function leftText(real: WireReal, nowMs: number): string {
  const complete = completionText(real, nowMs);
  return `${nameOf(real)}: ${flowsText(real)}${complete === undefined ? '' : `; ${complete}`}`;
}

function flowsText({ activeKnown, activeFlows, inactiveFlows, persistentClients }: WireReal): string {
  const counts = [`${activeKnown ? '' : 'at least '}${activeFlows} active`, `${inactiveFlows} inactive`];
  if (persistentClients > 0) counts.push(`${persistentClients} persistent clients`);
  return counts.join(', ');
}

function nameOf(real: WireReal): string {
  return `${real.address} in ${serviceName(real.service)}`;
}

function timedOut(left: readonly WireReal[], nowMs: number): CulvertError {
  const lines = left.map((real) => leftText(real, nowMs));
  return new CulvertError(
    'TIMEOUT',
    `timed out. Connections may be left, and the real stays drained:\n${lines.join('\n')}`,
  );
}
