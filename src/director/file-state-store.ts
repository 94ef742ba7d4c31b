import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
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
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { state: EMPTY_STATE, fault: code === 'ENOENT' ? undefined : message };
    }
    try {
      return { state: decode(text), fault: undefined };
    } catch (error) {
      // Kept aside for whoever wants to know: the next save would write over it.
      await rename(this.#path, `${this.#path}.damaged`);
      return { state: EMPTY_STATE, fault: `${this.#path} is damaged (now *.damaged): ${String(error)}` };
    }
  }

  /** Whole or not at all, also when the machine fails in the middle of it. */
  async save(state: DirectorState): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const draft = `${this.#path}.new`;
    // The hash key is a secret: with it a client could aim at one real.
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(encode(state));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
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
