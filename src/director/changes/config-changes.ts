// The ways to another configuration: reload, apply, confirm, revert, and the end of a trial.
import { type HostFacts, validateAgainstHost } from '../../config/host/require-host.ts';
import { loadDocument } from '../../config/load/load-document.ts';
import { documentOf, type LoadedConfig } from '../../config/load/loaded-config.ts';
import { reread } from '../../config/load/reread.ts';
import type { ReloadSummary } from '../../contract/api/configuration.ts';
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { ErrorCode } from '../../error-codes.ts';
import { CulvertError } from '../../errors.ts';
import type { ApplyOptions, ApplySummary, RunningDocument } from '../control.ts';
import type { EventLog } from '../event-log.ts';
import { Serial } from '../serial.ts';
import type { ConfigureInput } from '../step/input.ts';
import { describeChanges, messageOf } from '../world/event-words.ts';
import type { Running, Trial } from '../world/world.ts';
import { type ConfigDiff, countChanges, diffConfigs, settingsForRestart } from './config-diff.ts';
import { NOT_CONFIRMED, type RunningConfig, sourceOf } from './running-config.ts';

/** @param previous What the file said when it was read before. */
export type LoadConfig = (path: string, previous: LoadedConfig) => Promise<LoadedConfig>;

export interface ConfigChangesOptions {
  /** Keeps what is in force over restarts. */
  readonly running: RunningConfig;
  readonly configPath: string;
  readonly loadConfig: LoadConfig;
  readonly hostFacts: () => Promise<HostFacts>;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Returns what is in force. */
  readonly inForce: () => Running;
  /** Has plane and checks follow a configuration. @throws CulvertError; then nothing has changed */
  readonly adopt: (input: ConfigureInput, config: CulvertConfig) => Promise<void>;
  /** Makes the configuration on trial the one that stays. */
  readonly confirm: () => Promise<void>;
}

/** The codes by which a document can be refused. Its sender gets the error and may try again; nobody else has to act. */
const REFUSALS: readonly ErrorCode[] = ['CONFIG_INVALID', 'CONFLICT', 'CAPACITY', 'UNSUPPORTED'];
/** The change has been made. */
const DONE: readonly ErrorCode[] = ['NOT_SAVED'];

/** The delay before the end of a trial is tried again: the obstacle may be gone by then. */
const RETRY_MS = 5000;

/** The ways to another configuration, one at a time: the file read again, a document, and back from a trial. */
export class ConfigChanges {
  readonly #options: ConfigChangesOptions;
  /** The configuration that the process started with: some settings keep their values from then. */
  readonly started: CulvertConfig;
  readonly #serial = new Serial();
  #deadline: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ConfigChangesOptions) {
    this.#options = options;
    this.started = options.running.loaded.config;
  }

  /** Starts to end a trial in time that an earlier run left. */
  start(): void {
    this.#watchDeadline();
  }

  document(): RunningDocument {
    const running = this.#running;
    return {
      config: documentOf(running.current),
      revision: running.current.revision,
      source: sourceOf(running),
      confirmBefore: this.#confirmBefore(),
    };
  }

  reload(): Promise<ReloadSummary> {
    return this.#change('reload', async () => {
      const { configPath, loadConfig } = this.#options;
      const loaded = await loadConfig(configPath, this.#running.file);
      return this.#carryOut({ kind: 'configure', verb: 'reload', loaded }, loaded);
    });
  }

  /** @throws CulvertError CONFIG_INVALID, CONFLICT; then nothing has changed. */
  apply(document: unknown, { revision, confirmMs }: ApplyOptions): Promise<ApplySummary> {
    return this.#change('apply', async () => {
      this.#requireRevision(revision);
      const loaded = await loadDocument(document, this.#running.current);
      this.#requireSameState(loaded.config);
      const deadlineMs = confirmMs && this.#options.now() + confirmMs;
      const summary = await this.#carryOut({ kind: 'configure', verb: 'apply', loaded, deadlineMs }, loaded);
      return this.#applied(summary);
    });
  }

  /** @throws CulvertError CONFLICT when nothing is on trial. */
  confirm(): Promise<RunningDocument> {
    return this.#serial.run(async () => {
      this.#requireTrial();
      await this.#options.confirm();
      this.#watchDeadline();
      await this.#keep();
      return this.document();
    });
  }

  /** @throws CulvertError CONFLICT when nothing is on trial. */
  revert(): Promise<ApplySummary> {
    return this.#change('revert', async () => this.#goBack(this.#requireTrial()));
  }

  /** Returns what a document would change. @throws CulvertError CONFIG_INVALID */
  async diff(document: unknown): Promise<ConfigDiff> {
    const loaded = await loadDocument(document, this.#running.current);
    validateAgainstHost(loaded, await this.#options.hostFacts());
    return diffConfigs(this.#running.current.config, loaded.config);
  }

  async diffYaml(text: string): Promise<ConfigDiff | undefined> {
    const { file, current } = this.#running;
    const loaded = reread(file, text);
    if (loaded === undefined) return undefined;
    try {
      validateAgainstHost(loaded, await this.#options.hostFacts());
    } catch (error) {
      if (error instanceof CulvertError) return undefined;
      throw error;
    }
    return diffConfigs(current.config, loaded.config);
  }

  /** Resolves when what is under way has ended; afterwards nothing begins of its own accord. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#deadline);
    this.#options.running.close();
    await this.#serial.run(() => Promise.resolve());
  }

  #change<Result>(verb: 'reload' | 'apply' | 'revert', task: () => Promise<Result>): Promise<Result> {
    return this.#serial.run(async () => {
      try {
        return await task();
      } catch (error) {
        // A reload may have no caller to report to: a signal requests it too.
        if (!hasCode(error, DONE) && (verb === 'reload' || !hasCode(error, REFUSALS))) {
          const message = `${verb} changed nothing: ${messageOf(error)}`;
          this.#options.events.add('error', `${verb}-failed`, message);
        }
        throw error;
      } finally {
        this.#watchDeadline();
      }
    });
  }

  async #carryOut(input: ConfigureInput, loaded: LoadedConfig): Promise<ReloadSummary> {
    const { hostFacts, events, adopt } = this.#options;
    validateAgainstHost(loaded, await hostFacts());
    const { config } = loaded;
    const changes = countChanges(diffConfigs(this.#running.current.config, config));
    const startedMs = performance.now();
    await adopt(input, config);
    const restartNeeded = settingsForRestart(this.started, config);
    const summary = { ...changes, applyMs: performance.now() - startedMs, restartNeeded };
    const [saved] = await Promise.allSettled([this.#keep()]);
    const until = this.#confirmBefore();
    const trial = until === undefined ? '' : `; rolled back at ${until} unless it is confirmed`;
    events.add('info', input.verb, `${describeChanges(input.verb, summary)}${trial}`);
    for (const name of restartNeeded) {
      events.add('warning', 'restart-needed', `${name} has changed and takes effect at the next start`);
    }
    // A configuration that could not be saved holds all the same. The failure is reported after the work is done.
    if (saved.status === 'rejected') throw saved.reason;
    return summary;
  }

  async #goBack({ before }: Trial): Promise<ApplySummary> {
    return this.#applied(await this.#carryOut({ kind: 'configure', verb: 'revert' }, before));
  }

  get #running(): Running {
    return this.#options.inForce();
  }

  #keep(): Promise<void> {
    return this.#options.running.keep(this.#running);
  }

  #applied(summary: ReloadSummary): ApplySummary {
    return { ...summary, revision: this.#running.current.revision, confirmBefore: this.#confirmBefore() };
  }

  #confirmBefore(): string | undefined {
    const { trial } = this.#running;
    return trial && new Date(trial.deadlineMs).toISOString();
  }

  #requireRevision(revision: string | undefined): void {
    const current = this.#running.current.revision;
    if (revision === undefined || revision === current) return;
    throw new CulvertError(
      'CONFLICT',
      `the running configuration has changed meanwhile: its revision is ${current}, not ${revision}; fix: read it again`,
    );
  }

  #requireTrial(): Trial {
    const { trial } = this.#running;
    if (trial !== undefined) return trial;
    throw new CulvertError(
      'CONFLICT',
      'no configuration waits for confirmation; "culvert reload" returns to the file',
    );
  }

  /** A start looks by these, in the file, for what was applied. */
  #requireSameState(config: CulvertConfig): void {
    for (const name of ['instance', 'stateDirectory', 'runDirectory'] as const) {
      const [own, found] = [this.started.director[name], config.director[name]];
      if (found === own) continue;
      throw new CulvertError(
        'CONFIG_INVALID',
        `director.${name}: found '${found}'; allowed: '${own}', because commands find this director by it; fix: change it in the file`,
      );
    }
  }

  #watchDeadline(delayMs = this.#untilDeadline()): void {
    clearTimeout(this.#deadline);
    if (delayMs === undefined || this.#closed) return;
    this.#deadline = setTimeout(() => void this.#deadlineReached(), delayMs);
  }

  #untilDeadline(): number | undefined {
    const { trial } = this.#running;
    return trial && Math.max(0, trial.deadlineMs - this.#options.now());
  }

  async #deadlineReached(): Promise<void> {
    await this.#serial.run(async () => {
      const { trial } = this.#running;
      if (this.#closed || trial === undefined) return;
      // It may have been put off, or the clock set, while this waited for its turn.
      if (trial.deadlineMs > this.#options.now()) return this.#watchDeadline();
      const { events } = this.#options;
      events.add('warning', 'revert', NOT_CONFIRMED);
      try {
        await this.#goBack(trial);
      } catch (error) {
        if (hasCode(error, DONE)) return;
        events.add(
          'error',
          'revert-failed',
          `the previous configuration cannot be restored: ${messageOf(error)}`,
        );
        this.#watchDeadline(RETRY_MS);
      }
    });
  }
}

function hasCode(error: unknown, codes: readonly ErrorCode[]): boolean {
  return error instanceof CulvertError && codes.includes(error.code);
}
