// Judges an HTTP body, piece by piece, by what its check expects.
import { createHash, type Hash } from 'node:crypto';
import type { HttpUrlConfig } from '../../../contract/checks/probe-config.ts';
import { hasMatch } from './body-regex.ts';

const MD5_DIGITS = 32;
/** The number of bytes searched; the rest of a longer body is not. */
const SEARCHED_BYTES = 2 ** 20;
const FIRST_BYTES = 4096;

/** Takes a body piece by piece and says at its end whether it is as it should be. */
export class BodyJudge {
  readonly #url: HttpUrlConfig;
  readonly #hash: Hash | undefined;
  /** The bytes searched: the first `#keptBytes` of the body. */
  #kept: Buffer = Buffer.alloc(0);
  #keptBytes = 0;
  #bytes = 0;

  constructor(url: HttpUrlConfig) {
    this.#url = url;
    const { digest } = url;
    this.#hash =
      digest === undefined ? undefined : createHash(digest.length === MD5_DIGITS ? 'md5' : 'sha256');
  }

  take(bytes: Buffer): void {
    this.#hash?.update(bytes);
    if (this.#url.regex !== undefined) this.#keep(bytes);
    this.#bytes += bytes.length;
  }

  /** True if further bytes cannot change the result. */
  get hasEnough(): boolean {
    return this.#hash === undefined && this.#bytes >= SEARCHED_BYTES;
  }

  /** @throws Error saying what is not as it should be */
  async judge(): Promise<void> {
    const { digest, regex } = this.#url;
    const found = this.#hash?.digest('hex');
    if (found !== digest) throw new Error(`the body's digest is ${found}`);
    if (regex === undefined) return;
    const isFound = await hasMatch(this.#kept.subarray(0, this.#keptBytes), regex);
    if (isFound === regex.mustNotMatch)
      throw new Error(`the body ${isFound ? 'matches' : 'does not match'} the regex`);
  }

  /**
   * Keeps bytes in one buffer that doubles: a list of pieces would take a hundred times the size of a body that comes byte by
   * byte.
   */
  #keep(bytes: Buffer): void {
    const count = Math.min(bytes.length, SEARCHED_BYTES - this.#keptBytes);
    if (this.#keptBytes + count > this.#kept.length) {
      const wanted = Math.max(this.#keptBytes + count, this.#kept.length * 2, FIRST_BYTES);
      const larger = Buffer.allocUnsafe(Math.min(wanted, SEARCHED_BYTES));
      this.#kept.copy(larger, 0, 0, this.#keptBytes);
      this.#kept = larger;
    }
    this.#keptBytes += bytes.copy(this.#kept, this.#keptBytes, 0, count);
  }
}
