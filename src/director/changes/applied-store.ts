// Keeps what was applied in place of the file over restarts.
import { z } from 'zod';
import { loadDurable, removeDurable, saveDurable } from '../state/durable-file.ts';

/** A configuration applied at run time in place of the file, as it is kept over restarts. */
export interface AppliedConfig {
  /** The revision of the file that it replaces. Other content in the file ends it. */
  readonly fileRevision: string;
  /** A `ConfigDocument`; null: the file's own. */
  readonly document: unknown;
  readonly trial?:
    | {
        /** The configuration that returns at the deadline; null: the file's own. */
        readonly before: unknown;
        /** Milliseconds since 1970. */
        readonly deadlineMs: number;
      }
    | undefined;
}

export interface AppliedStore {
  /** Loads the configuration. Undefined: nothing was applied; `fault` says why it could not be read. */
  load(): Promise<{ readonly applied: AppliedConfig | undefined; readonly fault: string | undefined }>;
  save(applied: AppliedConfig | undefined): Promise<void>;
}

const appliedSchema: z.ZodType<AppliedConfig> = z.object({
  fileRevision: z.string(),
  document: z.unknown(),
  trial: z.object({ before: z.unknown(), deadlineMs: z.number() }).optional(),
});

/**
 * Keeps it in a file of its own, `<stateDirectory>/<instance>.applied.json`: it may be large, and changes seldom, whereas
 * the rest of the state is written whenever a check finds something.
 */
export class FileAppliedStore implements AppliedStore {
  readonly #path: string;
  #isThere = true;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<{ applied: AppliedConfig | undefined; fault: string | undefined }> {
    const { value, fault } = await loadDurable(this.#path, (text) => appliedSchema.parse(JSON.parse(text)));
    return { applied: value, fault };
  }

  async save(applied: AppliedConfig | undefined): Promise<void> {
    if (applied !== undefined) await saveDurable(this.#path, JSON.stringify(applied));
    else if (this.#isThere) await removeDurable(this.#path);
    this.#isThere = applied !== undefined;
  }
}
