import { createContext, Script } from 'node:vm';
import type { HttpRegexConfig } from '../../config/probe-config.ts';

/**
 * Whether a match begins between the offsets, which are bytes. Without the flag `u` pattern and body are bytes, too;
 * with it they are UTF-8, and a body that is not matches nothing, as PCRE2 has it.
 */
export function hasMatch(body: Buffer, regex: HttpRegexConfig): boolean {
  const { flags, minOffset } = regex;
  if (minOffset > body.length) return false;
  if (!flags.includes('u')) {
    const pattern = Buffer.from(regex.pattern, 'utf8').toString('latin1');
    return matchesFrom(new RegExp(pattern, `${flags}g`), body.toString('latin1'), regex);
  }
  const text = decodeUtf8(body);
  if (text === undefined) return false;
  const [from, to] = [minOffset, regex.maxOffset].map((offset) => body.toString('utf8', 0, offset).length);
  const range = { ...regex, minOffset: from ?? 0, maxOffset: to ?? 0 };
  return matchesFrom(new RegExp(regex.pattern, `${flags}g`), text, range);
}

function matchesFrom(
  expression: RegExp,
  text: string,
  { minOffset, maxOffset, firstLine }: HttpRegexConfig,
): boolean {
  expression.lastIndex = minOffset;
  const match = execWithin(expression, text);
  if (match === null || match.index > maxOffset) return false;
  const lineEnd = firstLine ? text.indexOf('\n', minOffset) : -1;
  return lineEnd === -1 || match.index <= lineEnd;
}

/** PCRE2 has a limit of steps; JavaScript only that of time, which `vm` alone can set. */
const SEARCH_MS = 100;
const search = new Script('expression.exec(text)');
const sandbox = createContext({ expression: /(?:)/, text: '' });

/** Some patterns take years over some bodies, and nothing else would happen in this process meanwhile. */
function execWithin(expression: RegExp, text: string): RegExpExecArray | null {
  const { lastIndex } = expression;
  const before = process.cpuUsage();
  for (;;) {
    Object.assign(sandbox, { expression, text });
    try {
      return search.runInContext(sandbox, { timeout: SEARCH_MS }) as RegExpExecArray | null;
    } catch (cause) {
      // The clock also runs while the machine does something else.
      const { user, system } = process.cpuUsage(before);
      if (user + system >= SEARCH_MS * 1000)
        throw new Error(`the regex takes more than ${SEARCH_MS}ms over the body`, { cause });
      expression.lastIndex = lastIndex;
    } finally {
      sandbox['text'] = '';
    }
  }
}

function decodeUtf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}
