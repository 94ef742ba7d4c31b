// The search by regex, with a time limit.
import { createContext, Script } from 'node:vm';

export interface RegexSearch {
  readonly pattern: string;
  /** The flags, `g` included. */
  readonly flags: string;
  readonly text: string;
  readonly from: number;
}

/** PCRE2 has a limit of steps; JavaScript only that of time, which `vm` alone can set. */
const script = new Script('expression.exec(text)');
const sandbox = createContext({ expression: /(?:)/, text: '' });

/** @returns where the first match begins, -1 for none; undefined: it takes longer */
export function searchWithin(
  { pattern, flags, text, from }: RegexSearch,
  timeout: number,
): number | undefined {
  const expression = new RegExp(pattern, flags);
  expression.lastIndex = from;
  Object.assign(sandbox, { expression, text });
  try {
    const match = script.runInContext(sandbox, { timeout }) as RegExpExecArray | null;
    return match?.index ?? -1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  } finally {
    sandbox['text'] = '';
  }
}
