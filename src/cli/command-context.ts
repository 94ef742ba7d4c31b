// The environment of a command, and its output.
import type { Command } from 'commander';
import { printableJson } from '../printable-text.ts';
import type { Style } from './tables/style.ts';

/** Everything that a command uses of its process, so that tests can call `main` itself. */
export interface CliEnvironment {
  /** The arguments behind the program's name. */
  readonly argv: readonly string[];
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  /** Empty when left out. */
  readonly stdin?: NodeJS.ReadableStream | undefined;
  /** The source of SIGHUP, SIGINT and SIGTERM; without it none arrive. */
  readonly signals?: SignalSource;
}

export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

export interface Context extends CliEnvironment {
  readonly style: Style;
  /** Standard output and error as they are: for what draws on a terminal, and for files that have to stay as they are. */
  readonly raw: Pick<CliEnvironment, 'stdout' | 'stderr'>;
  /** Sets the exit status of a command that neither succeeded nor threw. */
  exit(status: number): void;
  /** Sets the exit status of a command that throws; the error's own when left out. */
  failAs(status: number): void;
}

export function print(context: Context, text: string): void {
  context.stdout.write(text);
}

export function printJson(context: Context, value: unknown): void {
  context.stdout.write(`${printableJson(value, 2)}\n`);
}

/** Writes and waits while the reader is slow, so that long lists do not pile up in memory. */
export async function printPaced({ stdout }: Pick<CliEnvironment, 'stdout'>, text: string): Promise<void> {
  if (stdout.write(text)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stdout.once('drain', resolve).once('close', resolve);
  await promise;
  stdout.off('drain', resolve).off('close', resolve);
}

/** Appends examples to the help of a command. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

/** A signal that aborts on SIGINT and SIGTERM until it is disposed of. */
export function stopSignal({ signals }: Context): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signals?.on('SIGINT', stop);
  signals?.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      signals?.off('SIGINT', stop);
      signals?.off('SIGTERM', stop);
    },
  };
}
