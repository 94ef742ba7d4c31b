import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { main } from '../../../src/cli/main.ts';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Keeps what is written to it. */
export class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.emit('text');
    done();
  }

  /** Resolves with the text once it matches. */
  async waitFor(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) await new Promise((resolve) => this.once('text', resolve));
    return this.text;
  }
}

/** A command under way: its streams, and the signals it can be sent. */
export class Running {
  readonly stdout: Sink;
  readonly stderr: Sink = new Sink();
  readonly signals: EventEmitter = new EventEmitter();
  readonly ended: Promise<Outcome>;

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = {}, terminal = false, input = '') {
    this.stdout = new Sink(terminal);
    const { stdout, stderr, signals } = this;
    const stdin = Readable.from([input]);
    this.ended = main({ argv, stdin, stdout, stderr, env, signals }).then((status) => ({
      status,
      stdout: stdout.text,
      stderr: stderr.text,
    }));
  }
}

/** Runs the real `main` to its end. */
export function culvert(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Running(argv, env).ended;
}
