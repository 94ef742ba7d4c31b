import { z } from 'zod';
import { loadDurable, removeDurable, saveDurable } from './durable-file.ts';
import { type DirectorState, EMPTY_STATE, type StateStore } from './state-store.ts';

const stateSchema = z.object({
  version: z.literal(1),
  hashKey: z.hex().length(32).optional(),
  overrides: z.record(z.string(), z.int().min(0).max(65535)),
  down: z.record(z.string(), z.object({ since: z.iso.datetime(), error: z.string().optional() })),
  /** Former versions knew of none. */
  lostQuorums: z.array(z.string()).optional(),
});

/** Keeps the state in one JSON file, `<stateDirectory>/<instance>.json`. */
export class FileStateStore implements StateStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async load(): Promise<{ state: DirectorState; fault: string | undefined }> {
    const { value, fault } = await loadDurable(this.#path, decode);
    return { state: value ?? EMPTY_STATE, fault };
  }

  async save(state: DirectorState): Promise<void> {
    await saveDurable(this.#path, encode(state));
  }

  async remove(): Promise<void> {
    await removeDurable(this.#path);
  }
}

function encode({ hashKey, overrides, down, lostQuorums }: DirectorState): string {
  const plain = {
    version: 1,
    hashKey: hashKey && Buffer.from(hashKey).toString('hex'),
    overrides: Object.fromEntries(overrides),
    down: Object.fromEntries(down),
    lostQuorums: [...lostQuorums],
  };
  return `${JSON.stringify(plain, null, 2)}\n`;
}

function decode(text: string): DirectorState {
  const plain = stateSchema.parse(JSON.parse(text));
  const down = Object.entries(plain.down).map(([id, { since, error }]) => [id, { since, error }] as const);
  return {
    hashKey: plain.hashKey === undefined ? undefined : Uint8Array.from(Buffer.from(plain.hashKey, 'hex')),
    overrides: new Map(Object.entries(plain.overrides)),
    down: new Map(down),
    lostQuorums: new Set(plain.lostQuorums),
  };
}
