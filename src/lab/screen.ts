// The screen that the lab draws on a terminal.
import { type Style, styleFor } from '../cli/tables/style.ts';
import type { LabEnvironment } from './environment.ts';
import type { Expectation } from './expectations.ts';
import type { LabOptions, LabOutcome } from './lab-options.ts';
import { drawStatus } from './status-table.ts';
import type { Traffic } from './traffic.ts';

const REDRAW_MS = 500;

/**
 * Shows the operator the story line by line and, on a terminal, the live table below it. With `--json` the story goes to stderr,
 * so that stdout holds only the outcome.
 */
export class LiveScreen implements Disposable {
  readonly #environment: LabEnvironment;
  readonly #json: boolean;
  readonly #out: NodeJS.WritableStream;
  readonly #stdout: NodeJS.WritableStream;
  readonly #live: boolean;
  readonly #style: Style;
  #traffic: Traffic | undefined;
  #timer: NodeJS.Timeout | undefined;
  #table: readonly string[] = [];
  #drawing = false;

  constructor(environment: LabEnvironment, { json, stdout, stderr }: LabOptions) {
    this.#environment = environment;
    this.#json = json;
    this.#stdout = stdout;
    this.#out = json ? stderr : stdout;
    this.#style = styleFor(this.#out, process.env);
    this.#live = !json && 'isTTY' in stdout && stdout.isTTY === true;
  }

  /** Shows the table from now on: live on a terminal, at the end of the run elsewhere. */
  watch(traffic: Traffic): void {
    this.#traffic = traffic;
    for (const [shows, command] of this.#environment.tryByHand)
      this.say(`try by hand, ${shows}:  ${command}`);
    if (this.#live) this.#timer = setInterval(() => void this.#redraw(), REDRAW_MS);
  }

  say(sentence: string): void {
    this.#print(`${this.#style('bold', '»')} ${sentence}`);
  }

  expectation({ name, met, detail }: Expectation): void {
    const mark = met ? this.#style('green', '✓') : this.#style('red', '✗');
    // A figure that is as the sentence says need not be said twice.
    this.#print(`  ${mark} ${met && name.includes(detail) ? name : `${name}: ${detail}`}`);
  }

  finish(outcome: LabOutcome): void {
    this.#stop();
    if (this.#json) this.#stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
    else
      this.say(
        `${outcome.outcome}: ${outcome.requests.requests} requests, ${outcome.requests.failed} failed`,
      );
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Puts a line above the table, which is drawn again below it. */
  #print(line: string): void {
    this.#out.write(`${this.#eraseTable()}${line}\n${this.#tableText()}`);
  }

  async #redraw(): Promise<void> {
    if (this.#drawing || this.#traffic === undefined) return;
    this.#drawing = true;
    try {
      const rows = drawStatus(await this.#environment.status(), this.#traffic, {
        reals: this.#environment.reals,
        style: this.#style,
      });
      const erase = this.#eraseTable();
      this.#table = rows;
      this.#out.write(`${erase}${this.#tableText()}`);
    } catch {
      // The director is being restarted or taken down; the next turn shows it again.
    } finally {
      this.#drawing = false;
    }
  }

  /** Cut off at the margin: a row that wrapped would be two to erase. */
  #tableText(): string {
    if (this.#table.length === 0) return '';
    return `\x1b[?7l${this.#table.map((row) => `${row}\n`).join('')}\x1b[?7h`;
  }

  #eraseTable(): string {
    return this.#table.length === 0 ? '' : `\x1b[${this.#table.length}A\x1b[J`;
  }
}
