// Follows the events of a director, also over its restarts.
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
  // By its time the run is known again, also where nothing has happened since.
  let known = (await client.events(0)).at(-1);
  while (!signal.aborted) {
    try {
      for await (const event of client.follow(after, signal)) {
        known = event;
        after = event.sequence;
        yield event;
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    if (signal.aborted) return;
    onGone('the director is gone; waiting until one answers again (Ctrl-C ends this)');
    const same = await whenBack(client, known, signal);
    if (signal.aborted) return;
    // The events of a new run count from 1 again.
    if (!same) after = 0;
    onGone('a director answers again');
  }
}

function isGone(error: unknown): boolean {
  return error instanceof CulvertError && error.code === 'NOT_RUNNING';
}

/** Resolves when a director answers: whether it is the run that `known` is of. */
async function whenBack(
  client: Follower,
  known: DirectorEvent | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  // Loaded here, as this file is in one file of the bundle with the listings, which do without it.
  const { setTimeout: sleep } = await import('node:timers/promises');
  while (!signal.aborted) {
    try {
      const [found] = await client.events((known?.sequence ?? 1) - 1);
      return known !== undefined && found?.sequence === known.sequence && found.time === known.time;
    } catch (error) {
      if (!(error instanceof CulvertError)) throw error;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return false;
}
