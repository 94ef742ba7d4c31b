// Parses a large configuration in a process of its own, which takes its time and its memory with it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CulvertError } from '../../errors.ts';
import type { ParseOutcome, ParseTask } from './parse-process.ts';
import type { ParsedText } from './parse-text.ts';

/** Tens of times what the largest configuration takes; one that takes longer was made to do so. */
const LONGEST_MS = 120_000;
const MOST_MEGABYTES = 1024;

/** @throws CulvertError CONFIG_INVALID as the parser does; CONFIG_UNREADABLE where it needs too much time or memory */
export async function parseInProcess(task: ParseTask): Promise<ParsedText> {
  const outcome = await runProcess(task);
  if ('message' in outcome) throw faultOf(outcome);
  return outcome;
}

function faultOf({ message, where }: { message: string; where: string | undefined }): CulvertError {
  // The class puts `where` in front of the message.
  if (where === undefined) return new CulvertError('CONFIG_INVALID', message);
  return new CulvertError('CONFIG_INVALID', message.slice(where.length + 2), { where });
}

async function runProcess(task: ParseTask): Promise<ParseOutcome> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const child = fork(new URL(`./parse-process.${extension}`, import.meta.url), {
    serialization: 'advanced',
    // A process that runs out of memory fills pages.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning', `--max-old-space-size=${MOST_MEGABYTES}`],
  });
  const ended = new AbortController();
  const timer = setTimeout(() => {
    ended.abort(new Error(`parsing takes longer than ${LONGEST_MS / 1000} s`));
  }, LONGEST_MS);
  child.once('error', (error) => ended.abort(error));
  child.once('exit', (status, signal) =>
    ended.abort(new Error(`the process that parses the file ended with ${signal ?? `status ${status}`}`)),
  );
  try {
    child.send(task);
    const [outcome] = (await once(child, 'message', { signal: ended.signal })) as [ParseOutcome];
    return outcome;
  } catch (error) {
    const cause = ended.signal.aborted ? (ended.signal.reason as Error) : (error as Error);
    const where = 'fileName' in task ? { where: task.fileName } : {};
    throw new CulvertError('CONFIG_UNREADABLE', cause.message, { ...where, cause });
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}
