// Chooses the key that rings and flows are made with.
import { randomBytes } from 'node:crypto';

/** The configured key, else that of the former run, else a new one. */
export function chooseHashKey(hashSeed: string | undefined, kept: Uint8Array | undefined): Uint8Array {
  if (hashSeed !== undefined) return Uint8Array.from(Buffer.from(hashSeed, 'hex'));
  return kept ?? Uint8Array.from(randomBytes(16));
}
