// Searches bodies by regex without delaying other checks.
import type { HttpRegexConfig } from '../../../contract/checks/probe-config.ts';
import { searchWithin } from './regex-search.ts';
import { searchInThread } from './regex-thread.ts';

/** Longer searches are left to a thread: some patterns take years over some bodies. */
const HERE_MS = 5;
const MOST_SLOW_PATTERNS = 1000;

/** Patterns that have taken longer; they go to the thread at once. */
const slow = new Set<string>();

/**
 * Returns true if a match begins between the offsets, which are bytes. Without the flag `u` pattern and body are bytes, too. With
 * it they are UTF-8, and a body that is not UTF-8 matches nothing, as in PCRE2.
 */
export async function hasMatch(body: Buffer, regex: HttpRegexConfig): Promise<boolean> {
  const { flags, minOffset } = regex;
  if (minOffset > body.length) return false;
  if (!flags.includes('u')) {
    const pattern = Buffer.from(regex.pattern, 'utf8').toString('latin1');
    return matches({ ...regex, pattern }, body.toString('latin1'));
  }
  const text = decodeUtf8(body);
  if (text === undefined) return false;
  const [from, to] = [minOffset, regex.maxOffset].map((offset) => body.toString('utf8', 0, offset).length);
  return matches({ ...regex, minOffset: from ?? 0, maxOffset: to ?? 0 }, text);
}

async function matches(regex: HttpRegexConfig, text: string): Promise<boolean> {
  const { minOffset, maxOffset, firstLine } = regex;
  const index = await indexOfMatch(regex, text);
  if (index === -1 || index > maxOffset) return false;
  const lineEnd = firstLine ? text.indexOf('\n', minOffset) : -1;
  return lineEnd === -1 || index <= lineEnd;
}

async function indexOfMatch({ pattern, flags, minOffset }: HttpRegexConfig, text: string): Promise<number> {
  const search = { pattern, flags: `${flags}g`, text, from: minOffset };
  const name = `${flags} ${pattern}`;
  const found = slow.has(name) ? undefined : searchWithin(search, HERE_MS);
  if (found !== undefined) return found;
  if (slow.size >= MOST_SLOW_PATTERNS) slow.clear();
  slow.add(name);
  return searchInThread(search);
}

function decodeUtf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}
