#!/usr/bin/env -S node --max-semi-space-size=2 --optimize-for-size
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { CulvertError } from '../errors.ts';
import { COMMANDS } from './commands.ts';
import type { CliEnvironment, Context } from './context.ts';
import { styleFor } from './style.ts';
import { version } from './version.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs one command. @returns the exit status: 0 fine, 1 failed, 2 wrong usage. */
export async function main(environment: CliEnvironment): Promise<number> {
  let status = 0;
  let failed: number | undefined;
  const context: Context = {
    ...environment,
    style: styleFor(environment.stdout, environment.env),
    exit: (wanted) => {
      status = wanted;
    },
    failAs: (wanted) => {
      failed = wanted;
    },
  };
  try {
    if (environment.argv[0] === 'ipvsadm') {
      // Its options are not culvert's: --version and -h have another meaning.
      const { ipvsadm } = await import('./ipvsadm.ts');
      return await ipvsadm(environment.argv.slice(1), context);
    }
    const program = await buildProgram(context);
    await program.parseAsync([...environment.argv], { from: 'user' });
    return status;
  } catch (error) {
    const own = report(error, context);
    return own === 0 ? 0 : (failed ?? own);
  }
}

async function buildProgram(context: Context): Promise<Command> {
  const program = new Command('culvert')
    .description('A layer-4 load balancer in LVS IP-tunnel mode.')
    .version(await version(), '-V, --version')
    .option('--debug', 'show where an error came from')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'culvert: ')),
    })
    .showHelpAfterError('Try `culvert --help`, or --help behind a command.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ culvert lab\n  $ culvert run -c culvert.yaml\n  $ culvert reals --json',
    );
  const called = context.argv.filter((argument) => !argument.startsWith('-')).slice(0, 2);
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    if (called.includes(name)) (await load()).register(program, context);
    else program.command(name).description(summary);
  }
  return program;
}

/** One clean line for what an operator can act on; the whole of it for what is a fault of the program. */
function report(error: unknown, { argv, stderr }: CliEnvironment): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const debug = argv.includes('--debug');
  if (error instanceof CulvertError) {
    stderr.write(`culvert: ${error.message}\n`);
    if (debug) stderr.write(`${describe(error)}\n`);
    return error.exitStatus;
  }
  if (isRefusal(error)) {
    stderr.write(
      `culvert: ${debug ? describe(error) : error.message}: run as root, or let this user do that\n`,
    );
    return EXIT_FAILED;
  }
  stderr.write(`culvert: unexpected: ${debug ? describe(error) : messageOf(error)}\n`);
  if (!debug) stderr.write('culvert: this is a fault of the program; --debug shows where\n');
  return EXIT_FAILED;
}

/** The system did not let Node do something: the operator's to mend. */
function isRefusal(error: unknown): error is NodeJS.ErrnoException {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === 'EACCES' || code === 'EPERM';
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Not `import.meta.main`: the oldest supported Node lacks it, and npm calls this file through a link. */
async function isProgram(): Promise<boolean> {
  const called = process.argv[1];
  if (called === undefined) return false;
  return (await realpath(called).catch(() => called)) === fileURLToPath(import.meta.url);
}

/** Resolves when the reader has taken all: `process.exit` would cut a pipe off at what fits into it, 64 KiB. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  return promise;
}

if (await isProgram()) {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, as `head`, is no failure.
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`culvert: standard output: ${error.message}\n`);
    process.exit(EXIT_FAILED);
  });
  // Who was told is gone: no reason to end, least of all for a director whose log somebody read.
  process.stderr.on('error', () => {});
  const { argv, stdin, stdout, stderr, env } = process;
  // By a link of that name it is ipvsadm.
  const name = basename(argv[1] ?? '') === 'ipvsadm' ? ['ipvsadm'] : [];
  const words = [...name, ...argv.slice(2)];
  const status = await main({ argv: words, stdin, stdout, stderr, env, signals: process });
  await Promise.all([flushed(stdout), flushed(stderr)]);
  // A write that has just failed is told in a later turn: half a file (`culvert import > FILE`) is no success.
  await setImmediate();
  process.exit(status);
}
