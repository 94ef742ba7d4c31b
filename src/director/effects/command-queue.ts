// Runs the commands of real servers and quorums, one line each in order.
import { formatDuration } from '../../contract/values/duration.ts';
import { type CommandEnd, runCommand } from '../../linux/process/run-command.ts';
import type { EventLog } from '../event-log.ts';
import type { Task } from '../world/command-tasks.ts';
import { messageOf } from '../world/event-words.ts';

/** The most waiting commands in one line. A further one drops the oldest, so that the last to run reports the present state. */
const MAX_WAITING = 64;
/** The most running commands of all lines together, so that a thousand failing reals are not a thousand processes. */
const MAX_RUNNING = 32;
const TOLD_OUTPUT = 500;

/** Runs commands one after the other in each line; each is run, in its order, and its end is an event. */
export class CommandQueue {
  readonly #events: EventLog;
  readonly #beforeEach: () => Promise<void>;
  /** Lines that wait for their turn, in its order. */
  readonly #ready = new Map<string, Task[]>();
  /** Lines of which one is under way, with those behind it. */
  readonly #running = new Map<string, Task[]>();
  readonly #end = new AbortController();
  #idle = Promise.withResolvers<void>();

  /** @param beforeEach runs before each command; never rejects */
  constructor(events: EventLog, beforeEach: () => Promise<void>) {
    this.#events = events;
    this.#beforeEach = beforeEach;
  }

  add(task: Task): void {
    let waiting = this.#running.get(task.line) ?? this.#ready.get(task.line);
    if (waiting === undefined) {
      waiting = [];
      this.#ready.set(task.line, waiting);
    }
    waiting.push(task);
    if (waiting.length > MAX_WAITING) this.#drop(waiting.shift(), `${MAX_WAITING} others wait behind it`);
    this.#begin();
  }

  /** Lets what waits be run for so long, then kills what is left. Nothing may be added afterwards. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#kill(), graceMs);
    while (this.#ready.size + this.#running.size > 0) await this.#idle.promise;
    clearTimeout(timer);
  }

  #kill(): void {
    for (const line of [...this.#ready.values(), ...this.#running.values()]) {
      for (const task of line.splice(0)) this.#drop(task, 'the director is stopping');
    }
    this.#ready.clear();
    this.#end.abort(new Error('the director is stopping'));
  }

  #begin(): void {
    for (const [name, waiting] of this.#ready) {
      if (this.#running.size >= MAX_RUNNING) return;
      const task = waiting.shift();
      this.#ready.delete(name);
      if (task === undefined) continue;
      this.#running.set(name, waiting);
      void this.#run(task).then(() => this.#ended(name, waiting));
    }
  }

  #ended(name: string, waiting: Task[]): void {
    this.#running.delete(name);
    // Behind the others.
    if (waiting.length > 0) this.#ready.set(name, waiting);
    this.#begin();
    if (this.#running.size > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  async #run({ title, command, environment }: Task): Promise<void> {
    const { run, user, timeoutMs } = command;
    await this.#beforeEach();
    const startedMs = performance.now();
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    try {
      const signal = AbortSignal.any([timeout.signal, this.#end.signal]);
      const end = await runCommand({ run, environment, user, signal });
      const late = timeout.signal.aborted ? ` because it took longer than ${formatDuration(timeoutMs)}` : '';
      const took = formatDuration(Math.round(performance.now() - startedMs));
      const words = `${title} ended: ${describeStatus(end)}${late} after ${took}${describeOutput(end)}`;
      this.#events.add(end.status === 0 ? 'info' : 'warning', 'command', words);
    } catch (error) {
      this.#events.add('error', 'command', `${title} could not be run: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #drop(task: Task | undefined, why: string): void {
    if (task !== undefined) this.#events.add('error', 'command-dropped', `${task.title} was not run: ${why}`);
  }
}

function describeStatus({ status, signal }: CommandEnd): string {
  return status === null ? `killed by ${signal}` : `exit status ${status}`;
}

function describeOutput({ output }: CommandEnd): string {
  const said = output.trim().replaceAll(/\s*\n\s*/g, ' | ');
  if (said === '') return '';
  return `: ${said.length > TOLD_OUTPUT ? `...${said.slice(-TOLD_OUTPUT)}` : said}`;
}
