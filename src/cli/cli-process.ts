// Runs a command as this process, with its arguments, streams and exit status.
import { basename } from 'node:path';
import type { CliEnvironment } from './command-context.ts';

const EXIT_FAILED = 1;

/** Runs `main` as this process: with its arguments and streams, and its exit status as the process's own. */
export async function runProgram(main: (environment: CliEnvironment) => Promise<number>): Promise<never> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, as `head`, is no failure.
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`culvert: standard output: ${error.message}\n`);
    process.exit(EXIT_FAILED);
  });
  const { argv, stdout, env } = process;
  let opened: NodeJS.WriteStream | undefined;
  // Called through a link named ipvsadm, it is ipvsadm.
  const name = basename(argv[1] ?? '') === 'ipvsadm' ? ['ipvsadm'] : [];
  const words = [...name, ...argv.slice(2)];
  const status = await main({
    argv: words,
    stdout,
    // These two are opened when they are used: opening both takes a twentieth of a listing's time.
    get stderr() {
      // A closed standard error is no reason to end, least of all for a director whose log somebody read.
      opened ??= process.stderr.on('error', () => {});
      return opened;
    },
    get stdin() {
      return process.stdin;
    },
    env,
    signals: process,
  });
  await flushed(stdout);
  if (opened !== undefined) await flushed(opened);
  // A write that has just failed is reported in a later turn: half a file (`culvert import > FILE`) is no success.
  await new Promise((resolve) => setImmediate(resolve));
  process.exit(status);
}

/** Resolves when the reader has taken everything: `process.exit` would cut a pipe off at what fits into it, 64 KiB. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  return promise;
}
