// Runs one command: finds its file, reads its options, and turns errors into messages and an exit status.
import type { Command, CommanderError } from 'commander';
import { CulvertError } from '../errors.ts';
import { describeShortage, resourceShortageIn } from '../local-shortage.ts';
import type { CliEnvironment, Context } from './command-context.ts';
import { COMMANDS } from './commands.ts';
import { printableStream } from './tables/printable-stream.ts';
import { styleFor } from './tables/style.ts';
import { version } from './version.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs one command. @returns the exit status: 0 success, 1 failure, 2 wrong usage. */
export async function main(environment: CliEnvironment): Promise<number> {
  let status = 0;
  let failed: number | undefined;
  const { argv, stdout, env, signals } = environment;
  let stderr: NodeJS.WritableStream | undefined;
  const context: Context = {
    argv,
    stdout: printableStream(stdout, env),
    // Opened when something is written there: most listings write nothing.
    get stderr() {
      stderr ??= printableStream(environment.stderr, env);
      return stderr;
    },
    raw: environment,
    env,
    ...(signals === undefined ? {} : { signals }),
    // Opened when it is read.
    get stdin() {
      return environment.stdin;
    },
    style: styleFor(stdout, env),
    exit: (wanted) => {
      status = wanted;
    },
    failAs: (wanted) => {
      failed = wanted;
    },
  };
  try {
    // This question is too small to load the parser of command lines.
    if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
      stdout.write(`${version()}\n`);
      return 0;
    }
    if (argv[0] === 'ipvsadm') {
      // Its options are not culvert's: --version and -h have another meaning.
      const { ipvsadm } = await import('./steps/run-ipvsadm.ts');
      return await ipvsadm(argv.slice(1), context);
    }
    if (await runListing(context)) return status;
    const program = await buildProgram(context);
    await program.parseAsync(wordsFor(argv), { from: 'user' });
    return status;
  } catch (error) {
    const own = report(error, context);
    return own === 0 ? 0 : (failed ?? own);
  }
}

/** Runs a command that only shows something, if it is called with nothing but its options. @returns whether it was. */
async function runListing(context: Context): Promise<boolean> {
  const [name = '', ...words] = context.argv;
  if (!Object.hasOwn(COMMANDS, name)) return false;
  const { listing } = (await COMMANDS[name]?.load()) ?? {};
  if (listing === undefined) return false;
  const { DIRECTOR_OPTIONS } = await import('./options/director-options.ts');
  const { readPlainOptions } = await import('./options/listing.ts');
  const options = readPlainOptions(words, [...DIRECTOR_OPTIONS, ...listing.options]);
  if (options === undefined) return false;
  await listing.run(options as never, context);
  return true;
}

/** Removes --help after an unknown command, so that commander reports the unknown command instead of printing other help. */
function wordsFor(argv: readonly string[]): string[] {
  const name = argv.find((word) => !word.startsWith('-'));
  const isKnown = name === undefined || name === 'help' || Object.hasOwn(COMMANDS, name);
  return isKnown ? [...argv] : argv.filter((word) => word !== '--help' && word !== '-h');
}

async function buildProgram(context: Context): Promise<Command> {
  const { Command } = await import('commander');
  const program = new Command('culvert')
    .description('A layer-4 load balancer in LVS IP-tunnel mode.')
    .version(version(), '-V, --version')
    .option('--debug', 'print the stack trace of an error')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'culvert: ')),
    })
    .showHelpAfterError('Try `culvert --help` or `culvert COMMAND --help`.')
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

/** Prints one line for errors that an operator can act on, and more for bugs. @returns the exit status. */
function report(error: unknown, { argv, stderr }: CliEnvironment): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const debug = argv.includes('--debug');
  const shortage = resourceShortageIn(error);
  if (shortage !== undefined) {
    stderr.write(`culvert: ${messageOf(error)}: ${describeShortage(shortage)}\n`);
    if (debug) stderr.write(`${describe(error)}\n`);
    return EXIT_FAILED;
  }
  if (error instanceof CulvertError) {
    stderr.write(`culvert: ${error.message}\n`);
    if (debug) stderr.write(`${describe(error)}\n`);
    return error.exitStatus;
  }
  if (isRefusal(error)) {
    stderr.write(
      `culvert: ${debug ? describe(error) : error.message}. fix: run as root, or give this user the permission\n`,
    );
    return EXIT_FAILED;
  }
  stderr.write(`culvert: unexpected error: ${debug ? describe(error) : messageOf(error)}\n`);
  if (!debug) stderr.write('culvert: this is a bug in culvert; --debug prints the stack trace\n');
  return EXIT_FAILED;
}

/** Recognises commander's errors by their shape, because not every command loads the parser and its classes. */
function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}

/** Returns true if the system denied Node an operation, which the operator can fix. */
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
