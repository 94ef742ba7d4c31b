// The configuration in force: the file's, one applied in its place, or one with automatic rollback.
import { type HostFacts, validateAgainstHost } from '../../config/host/require-host.ts';
import { documentOf, type LoadedConfig } from '../../config/load/loaded-config.ts';
import { readDocument } from '../../config/load/read-document.ts';
import type { EventLog } from '../event-log.ts';
import { messageOf } from '../event-words.ts';
import { Saver } from '../state/saver.ts';
import type { AppliedConfig, AppliedStore } from './applied-store.ts';

/** A configuration that is rolled back unless it is confirmed. */
interface Trial {
  /** The last configuration that needed no confirmation. */
  readonly before: LoadedConfig;
  /** Milliseconds since 1970, for it is kept over restarts. */
  readonly deadlineMs: number;
}

export const NOT_CONFIRMED =
  'the applied configuration was not confirmed in time: the previous one is in force again';

export interface RunningConfigOptions {
  /** The configuration of the file. */
  readonly file: LoadedConfig;
  readonly store: AppliedStore;
  readonly events: EventLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly hostFacts: () => Promise<HostFacts>;
}

/** The configuration in force: the file's, or one applied in its place until the file changes. It is kept over restarts. */
export class RunningConfig {
  readonly #store: AppliedStore;
  readonly #events: EventLog;
  readonly #saver: Saver;
  #file: LoadedConfig;
  #current: LoadedConfig;
  #trial: Trial | undefined;

  private constructor({ file, store, events }: RunningConfigOptions) {
    this.#store = store;
    this.#events = events;
    this.#saver = new Saver({
      events,
      save: () => this.#save(),
      what: 'the running configuration',
      effect: 'a restart would use the one that was saved last',
    });
    this.#file = file;
    this.#current = file;
  }

  /**
   * Returns the configuration to start with: the one applied before, or the file's where that no longer holds.
   * @throws CulvertError CONFIG_INVALID when the file's holds and does not fit this host
   */
  static async open(options: RunningConfigOptions): Promise<RunningConfig> {
    const running = new RunningConfig(options);
    const { applied, fault } = await options.store.load();
    if (fault !== undefined)
      options.events.add(
        'warning',
        'state-lost',
        `the applied configuration is lost, and the file is in force: ${fault}`,
      );
    const host = await options.hostFacts();
    if (applied !== undefined) await running.#tryTakeUp(applied, { now: options.now(), host });
    if (running.#current === options.file) validateAgainstHost(options.file, host);
    return running;
  }

  /** The configuration of the file, as it was read last. */
  get file(): LoadedConfig {
    return this.#file;
  }

  get loaded(): LoadedConfig {
    return this.#current;
  }

  get source(): 'file' | 'applied' {
    return this.#current.revision === this.#file.revision ? 'file' : 'applied';
  }

  get trial(): Trial | undefined {
    return this.#trial;
  }

  /** The file has been read again and holds. @throws CulvertError NOT_SAVED; it holds all the same. */
  async useFile(file: LoadedConfig): Promise<void> {
    this.#file = file;
    this.#current = file;
    this.#trial = undefined;
    await this.#saver.require();
  }

  /**
   * Applies a configuration, as `useFile` does. With a deadline it is rolled back unless confirmed. A trial that is running
   * continues: it goes back to the configuration before the first one.
   */
  async apply(config: LoadedConfig, deadlineMs: number | undefined): Promise<void> {
    const before = this.#trial?.before ?? this.#current;
    this.#current = config;
    if (deadlineMs !== undefined) this.#trial = { before, deadlineMs };
    await this.#saver.require();
  }

  async confirm(): Promise<void> {
    this.#trial = undefined;
    await this.#saver.require();
  }

  async goBack(): Promise<void> {
    this.#current = this.#trial?.before ?? this.#current;
    this.#trial = undefined;
    await this.#saver.require();
  }

  /** Closes the store; nothing is saved any more. */
  close(): void {
    this.#saver.close();
  }

  async remove(): Promise<void> {
    this.close();
    await this.#store.save(undefined);
  }

  async #tryTakeUp(applied: AppliedConfig, context: { now: number; host: HostFacts }): Promise<void> {
    try {
      this.#takeUp(applied, context);
    } catch (error) {
      this.#current = this.#file;
      this.#trial = undefined;
      const message = `the applied configuration can no longer be used, and the file is in force: ${messageOf(error)}`;
      this.#events.add('warning', 'apply-ended', message);
    }
    await this.#saver.request();
  }

  #takeUp(
    { fileRevision, document, trial }: AppliedConfig,
    { now, host }: { now: number; host: HostFacts },
  ): void {
    if (fileRevision !== this.#file.revision) {
      const message = 'the file has changed, and replaces the configuration that was applied before';
      this.#events.add('warning', 'apply-ended', message);
      return;
    }
    const expired = trial !== undefined && now >= trial.deadlineMs;
    this.#current = this.#read(expired ? trial.before : document);
    if (expired) this.#events.add('warning', 'revert', NOT_CONFIRMED);
    else if (trial !== undefined)
      this.#trial = { before: this.#read(trial.before), deadlineMs: trial.deadlineMs };
    validateAgainstHost(this.#current, host);
    if (this.source === 'applied') this.#tellKept();
  }

  /** Reports that another configuration than the file's is in force, for readers of the file who wonder why. */
  #tellKept(): void {
    const until =
      this.#trial && ` until ${new Date(this.#trial.deadlineMs).toISOString()} unless it is confirmed`;
    const message = `the configuration that was applied before is in force${until ?? ''}, not the file; "culvert reload" returns to the file`;
    this.#events.add('warning', 'apply-kept', message);
  }

  #read(document: unknown): LoadedConfig {
    return document === null ? this.#file : readDocument(document);
  }

  async #save(): Promise<void> {
    const document = this.#documentOf(this.#current);
    const trial = this.#trial && {
      before: this.#documentOf(this.#trial.before),
      deadlineMs: this.#trial.deadlineMs,
    };
    const nothing = document === null && trial === undefined;
    const applied = { fileRevision: this.#file.revision, document, ...(trial && { trial }) };
    await this.#store.save(nothing ? undefined : applied);
  }

  /** Null: the file's own. */
  #documentOf(config: LoadedConfig): unknown {
    return config.revision === this.#file.revision ? null : documentOf(config);
  }
}
