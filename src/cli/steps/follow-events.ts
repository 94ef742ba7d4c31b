// Follows the events of a director, also over its restarts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../../api/client/client.ts';
import type { DirectorEvent } from '../../contract/api/event.ts';
import { CulvertError } from '../../errors.ts';

export interface FollowOptions {
  readonly after: number;
  readonly signal: AbortSignal;
  /** Called with a sentence when the director goes away and when it is back. */
  readonly onGone: (message: string) => void;
}

type Follower = Pick<ApiClient, 'follow' | 'events'>;

const RETRY_MS = 300;

/**
 * Yields events as they happen, over restarts of the director, until the signal aborts. Each event once: a director that only
 * closed the stream is followed from the last event on, one that has started again from its first.
 * @throws CulvertError what the first connection throws
 */
export async function* followOverRestarts(
  client: Follower,
  options: FollowOptions,
): AsyncIterable<DirectorEvent> {
  const { signal, onGone } = options;
  let { after } = options;
  let last: DirectorEvent | undefined;
  let connected = false;
  while (!signal.aborted) {
    try {
      for await (const event of client.follow(after, signal)) {
        connected = true;
        last = event;
        after = event.sequence;
        yield event;
      }
    } catch (error) {
      const isGone = error instanceof CulvertError && error.code === 'NOT_RUNNING';
      if (!isGone || !(connected || (await isThere(client)))) throw error;
    }
    if (signal.aborted) return;
    connected = true;
    onGone('the director is gone; waiting until one answers again (Ctrl-C ends this)');
    after = await whenBack(client, last, signal);
    if (!signal.aborted) onGone('a director answers again');
  }
}

/** A stream without events until it ended was one all the same. */
async function isThere(client: Follower): Promise<boolean> {
  try {
    await client.events(Number.MAX_SAFE_INTEGER);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with the event after which to go on: 0 in a new run of the director, whose events count from 1 again. */
async function whenBack(
  client: Follower,
  last: DirectorEvent | undefined,
  signal: AbortSignal,
): Promise<number> {
  while (!signal.aborted) {
    try {
      if (last === undefined) return await client.events(Number.MAX_SAFE_INTEGER).then(() => 0);
      const [next] = await client.events(last.sequence - 1);
      return next?.sequence === last.sequence && next.time === last.time ? last.sequence : 0;
    } catch (error) {
      if (!(error instanceof CulvertError)) throw error;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return 0;
}
