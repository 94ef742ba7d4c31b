// Reads a configuration that somebody else sent, without holding up what runs meanwhile.
import { CulvertError } from '../../errors.ts';
import type { LoadedConfig } from './loaded-config.ts';
import { readDocument } from './read-document.ts';
import { rereadDocument } from './reread-document.ts';
import { parseInProcess } from './run-parse-process.ts';

/**
 * The length in JSON from which a document is parsed in a process. A document with errors takes ten times as long as a valid one;
 * beyond this length that is longer than a process takes to start. A document that differs little from `previous` is quick.
 */
const PROCESS_FROM_LENGTH = 30_000;

/**
 * Reads a document like `readDocument`; a large one is read in a process of its own.
 * @throws CulvertError CONFIG_INVALID; CONFIG_UNREADABLE where it needs too much time or memory
 */
export async function loadDocument(value: unknown, previous: LoadedConfig): Promise<LoadedConfig> {
  const { reread, document } = lookAt(value, previous);
  if (reread !== undefined) return reread;
  if (document.length < PROCESS_FROM_LENGTH) return readDocument(value);
  return (await parseInProcess({ document })).loaded;
}

function lookAt(value: unknown, previous: LoadedConfig): { reread?: LoadedConfig; document: string } {
  try {
    const document = JSON.stringify(value ?? null);
    const reread = rereadDocument(previous, value);
    return reread === undefined ? { document } : { reread, document };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CulvertError('CONFIG_INVALID', 'the configuration is nested too deeply', { cause });
  }
}
