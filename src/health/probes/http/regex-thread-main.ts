// The thread of regex-thread.ts, which makes one search after the other.
import { parentPort } from 'node:worker_threads';
import { type RegexSearch, searchWithin } from './regex-search.ts';

/** The position of the match, -1 for none; or the reason why it is unknown. */
export type RegexOutcome = { readonly index: number } | { readonly error: string };

const SEARCH_MS = 100;

parentPort?.on('message', (search: RegexSearch) => parentPort?.postMessage(outcomeOf(search), []));

function outcomeOf(search: RegexSearch): RegexOutcome {
  const before = process.threadCpuUsage();
  try {
    for (;;) {
      const index = searchWithin(search, SEARCH_MS);
      if (index !== undefined) return { index };
      // The clock also runs while the machine does something else.
      const { user, system } = process.threadCpuUsage(before);
      if (user + system >= SEARCH_MS * 1000)
        return { error: `the regex takes more than ${SEARCH_MS}ms over the body` };
    }
  } catch (error) {
    return { error: `the regex fails: ${(error as Error).message}` };
  }
}
