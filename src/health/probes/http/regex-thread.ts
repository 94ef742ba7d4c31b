// Runs long searches one after the other in a thread of their own.
import { Worker } from 'node:worker_threads';
import type { RegexSearch } from './regex-search.ts';
import type { RegexOutcome } from './regex-thread-main.ts';

interface Waiting {
  readonly search: RegexSearch;
  readonly settle: (outcome: RegexOutcome) => void;
}

/** The most waiting searches: this many, of a tenth of a second each, take longer than a check may. */
const MOST_WAITING = 16;

let worker: Worker | undefined;
/** The first one is under way. */
const queue: Waiting[] = [];

/** @returns where the first match begins, -1 for none. @throws Error where the search takes too long */
export async function searchInThread(search: RegexSearch): Promise<number> {
  if (queue.length >= MOST_WAITING)
    throw new Error(`the regex is slow, and ${MOST_WAITING} others like it are waiting`);
  const { promise, resolve } = Promise.withResolvers<RegexOutcome>();
  queue.push({ search, settle: resolve });
  if (queue.length === 1) begin();
  const outcome = await promise;
  if ('error' in outcome) throw new Error(outcome.error);
  return outcome.index;
}

function begin(): void {
  const [first] = queue;
  if (first === undefined) return;
  worker ??= start();
  worker.postMessage(first.search, []);
}

function start(): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const started = new Worker(new URL(`./regex-thread-main.${extension}`, import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
  });
  started.on('message', (outcome: RegexOutcome) => end(outcome));
  started.once('error', (error) => {
    worker = undefined;
    end({ error: `the regex fails: ${error.message}` });
  });
  started.unref();
  return started;
}

function end(outcome: RegexOutcome): void {
  queue.shift()?.settle(outcome);
  begin();
}
