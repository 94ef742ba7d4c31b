// Keeps the state of a director in a file.
import { z } from 'zod';
import { loadDurable, removeDurable, saveDurable } from './durable-file.ts';
import { type DirectorState, EMPTY_STATE, type StateStore } from './state-store.ts';

const stateSchema = z.object({
  version: z.literal(1),
  hashKey: z.hex().length(32).optional(),
  overrides: z.record(z.string(), z.int().min(0).max(65535)),
  /** Former versions had weight 0 for it. */
  drained: z.array(z.string()).optional(),
  down: z.record(
    z.string(),
    z.object({ since: z.iso.datetime(), error: z.string().optional(), presumed: z.boolean().optional() }),
  ),
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

function encode({ hashKey, overrides, drained, down, lostQuorums }: DirectorState): string {
  const plain = {
    version: 1,
    hashKey: hashKey && Buffer.from(hashKey).toString('hex'),
    overrides: Object.fromEntries(overrides),
    drained: [...drained],
    down: Object.fromEntries(down),
    lostQuorums: [...lostQuorums],
  };
  return `${JSON.stringify(plain, null, 2)}\n`;
}

function decode(text: string): DirectorState {
  const plain = stateSchema.parse(JSON.parse(text));
  const down = Object.entries(plain.down).map(
    ([id, { since, error, presumed }]) => [id, { since, error, presumed }] as const,
  );
  return {
    hashKey: plain.hashKey === undefined ? undefined : Uint8Array.from(Buffer.from(plain.hashKey, 'hex')),
    ...heldWeights(plain),
    down: new Map(down),
    lostQuorums: new Set(plain.lostQuorums),
  };
}

/** Converts the weights of earlier versions, for which a drain and weight 0 were the same, and `undrain` ended either. */
function heldWeights({
  overrides,
  drained,
}: z.infer<typeof stateSchema>): Pick<DirectorState, 'overrides' | 'drained'> {
  const all = Object.entries(overrides);
  if (drained !== undefined) return { overrides: new Map(all), drained: new Set(drained) };
  return {
    overrides: new Map(all.filter(([, weight]) => weight > 0)),
    drained: new Set(all.filter(([, weight]) => weight === 0).map(([id]) => id)),
  };
}
