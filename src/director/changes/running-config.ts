// The configuration in force: the file's, one applied in its place, or one with automatic rollback.
import { type HostFacts, validateAgainstHost } from '../../config/host/require-host.ts';
import { documentOf, type LoadedConfig } from '../../config/load/loaded-config.ts';
import { readDocument } from '../../config/load/read-document.ts';
import type { EventLog } from '../event-log.ts';
import { Saver } from '../state/saver.ts';
import { messageOf } from '../world/event-words.ts';
import type { Running } from '../world/world.ts';
import type { AppliedConfig, AppliedStore } from './applied-store.ts';

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

/** Keeps the configuration in force over restarts: the file's, or one applied in its place until the file changes. */
export class RunningConfig {
  readonly #store: AppliedStore;
  readonly #events: EventLog;
  readonly #saver: Saver;
  #running: Running;

  private constructor({ file, store, events }: RunningConfigOptions) {
    this.#store = store;
    this.#events = events;
    this.#saver = new Saver({
      events,
      save: () => this.#save(),
      what: 'the running configuration',
      effect: 'a restart would use the one that was saved last',
    });
    this.#running = { file, current: file, trial: undefined };
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
    if (running.loaded === options.file) validateAgainstHost(options.file, host);
    return running;
  }

  /** The configuration in force when it was kept last. */
  get running(): Running {
    return this.#running;
  }

  get loaded(): LoadedConfig {
    return this.#running.current;
  }

  /** Keeps what is in force now. @throws CulvertError NOT_SAVED; it is in force all the same. */
  async keep(running: Running): Promise<void> {
    this.#running = running;
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
    const { file } = this.#running;
    try {
      this.#running = this.#takeUp(applied, context);
      validateAgainstHost(this.loaded, context.host);
      if (sourceOf(this.#running) === 'applied') this.#reportKept();
    } catch (error) {
      this.#running = { file, current: file, trial: undefined };
      const message = `the applied configuration can no longer be used, and the file is in force: ${messageOf(error)}`;
      this.#events.add('warning', 'apply-ended', message);
    }
    await this.#saver.request();
  }

  #takeUp({ fileRevision, document, trial }: AppliedConfig, { now }: { now: number }): Running {
    const { file } = this.#running;
    if (fileRevision !== file.revision) {
      const message = 'the file has changed, and replaces the configuration that was applied before';
      this.#events.add('warning', 'apply-ended', message);
      return this.#running;
    }
    if (trial === undefined) return { file, current: this.#read(document), trial: undefined };
    const before = this.#read(trial.before);
    if (now < trial.deadlineMs) {
      return { file, current: this.#read(document), trial: { before, deadlineMs: trial.deadlineMs } };
    }
    this.#events.add('warning', 'revert', NOT_CONFIRMED);
    return { file, current: before, trial: undefined };
  }

  /** Reports that another configuration than the file's is in force, for readers of the file who wonder why. */
  #reportKept(): void {
    const { trial } = this.#running;
    const until = trial && ` until ${new Date(trial.deadlineMs).toISOString()} unless it is confirmed`;
    const message = `the configuration that was applied before is in force${until ?? ''}, not the file; "culvert reload" returns to the file`;
    this.#events.add('warning', 'apply-kept', message);
  }

  #read(document: unknown): LoadedConfig {
    return document === null ? this.#running.file : readDocument(document);
  }

  async #save(): Promise<void> {
    const { file, current, trial } = this.#running;
    const document = this.#documentOf(current);
    const kept = trial && { before: this.#documentOf(trial.before), deadlineMs: trial.deadlineMs };
    const nothing = document === null && kept === undefined;
    const applied = { fileRevision: file.revision, document, ...(kept && { trial: kept }) };
    await this.#store.save(nothing ? undefined : applied);
  }

  /** Null: the file's own. */
  #documentOf(config: LoadedConfig): unknown {
    return config.revision === this.#running.file.revision ? null : documentOf(config);
  }
}

export function sourceOf({ file, current }: Running): 'file' | 'applied' {
  return current.revision === file.revision ? 'file' : 'applied';
}
