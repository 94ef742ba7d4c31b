// Starts a program in a network namespace, and waits for what it says.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CulvertError } from '../../errors.ts';
import { spawnInNamespace } from '../../linux/namespaces/netns.ts';

const STOP_PATIENCE_MS = 5000;
/** Long enough for an emulated CPU; a program that ends before it says what is waited for is noticed at once. */
const SAY_PATIENCE_MS = 180_000;

/** A program that runs inside a namespace until it is stopped; its lines can be listened to and waited for. */
export class Program implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(line: string) => void>();
  readonly #last: string[] = [];
  readonly #exited: Promise<unknown>;

  constructor(namespace: string, command: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore') {
    this.#name = command.join(' ');
    this.#child = spawnInNamespace(namespace, command, { stdio: [stdin, 'pipe', 'pipe'] });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#line(line));
    }
  }

  /** Calls `listener` for every further line of either output. */
  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  /** The first line, of those to come, that the pattern matches. @throws CulvertError LAB when the program ends before. */
  async waitFor(pattern: RegExp, timeoutMs: number = SAY_PATIENCE_MS): Promise<string> {
    const found = Promise.withResolvers<string>();
    const listener = (line: string): void => {
      if (pattern.test(line)) found.resolve(line);
    };
    this.#listeners.add(listener);
    const timer = setTimeout(
      () => found.reject(this.#failure(`did not print ${pattern} within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    this.#child.once('close', () => found.reject(this.#failure('ended')));
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    }
  }

  /** Writes to its standard input, which has to be a pipe. */
  say(text: string): void {
    this.#child.stdin?.write(text);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Signals it and waits for its end; SIGKILL when it takes too long. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_PATIENCE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #line(line: string): void {
    this.#last.push(line);
    if (this.#last.length > 20) this.#last.shift();
    for (const listener of this.#listeners) listener(line);
  }

  #failure(what: string): CulvertError {
    const said = this.#last.length === 0 ? '' : `; its last output:\n${this.#last.join('\n')}`;
    return new CulvertError('LAB', `${this.#name} ${what}${said}`);
  }
}
