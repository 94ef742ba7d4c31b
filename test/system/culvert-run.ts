import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../../src/api/client/client.ts';
import { NAMESPACE_DIRECTORY } from '../../src/linux/namespaces/namespace-thread.ts';

const CULVERT = fileURLToPath(new URL('../../culvert', import.meta.url));

export interface RunOptions {
  /** Name of the network namespace. */
  readonly namespace: string;
  readonly instance: string;
  /** Services and what else is at the top of the file. */
  readonly config: string;
  /** Further keys of `director`, as YAML in one line: `listen: "10.0.0.2:9090"`. */
  readonly director?: string;
  /** Soft and hard limit of open files. */
  readonly files?: number;
  /** Kept over several runs; else one of its own, which `[Symbol.asyncDispose]` removes. */
  readonly directory?: string;
}

/** A real `culvert run` of the xdp plane on eth0 of a network namespace. */
export class CulvertRun implements AsyncDisposable {
  readonly directory: string;
  readonly process: ChildProcess;
  readonly api: ApiClient;
  /** The log so far. */
  log = '';
  readonly stateFile: string;
  readonly #removes: boolean;

  constructor({ namespace, instance, config, director = '', files, directory }: RunOptions) {
    this.#removes = directory === undefined;
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'culvert-run-'));
    this.stateFile = join(this.directory, `${instance}.json`);
    const file = join(this.directory, 'culvert.yaml');
    const own = `interface: eth0, instance: ${instance}, stateDirectory: ${this.directory}, runDirectory: ${this.directory}`;
    writeFileSync(file, `director: {${own}${director === '' ? '' : `, ${director}`}}\n${config}`);
    const limit = files === undefined ? [] : ['prlimit', `--nofile=${files}`];
    const inside = [`--net=${NAMESPACE_DIRECTORY}/${namespace}`, ...limit, CULVERT, 'run', '-c', file];
    this.process = spawn('nsenter', inside, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr?.on('data', (text: Buffer) => {
      this.log += text.toString();
    });
    this.api = new ApiClient(join(this.directory, `${instance}.sock`));
  }

  /** True once it forwards and answers; false when it has ended instead. */
  async started(): Promise<boolean> {
    await this.until(() => this.log.includes('"ready:') || this.hasEnded);
    return !this.hasEnded;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Waits for what only asking tells. @throws Error with the log after a minute */
  async until(read: () => boolean | Promise<boolean>): Promise<true> {
    for (const end = Date.now() + 60_000; Date.now() < end; await delay(50)) if (await read()) return true;
    throw new Error(`it did not come about within a minute; the log:\n${this.log}`);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }

  /** Ends it and what it forwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) await this.api.down().catch(() => undefined);
    await this.end('SIGKILL');
    if (this.#removes) rmSync(this.directory, { recursive: true });
  }
}
