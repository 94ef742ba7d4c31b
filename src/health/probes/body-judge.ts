import { createHash, type Hash } from 'node:crypto';
import type { HttpUrlConfig } from '../../config/probe-config.ts';
import { hasMatch } from './body-regex.ts';

const MD5_DIGITS = 32;
/** Of a longer body the rest is not searched. */
const SEARCHED_BYTES = 2 ** 20;

/** Takes a body piece by piece and says at its end whether it is as it should be. */
export class BodyJudge {
  readonly #url: HttpUrlConfig;
  readonly #hash: Hash | undefined;
  readonly #kept: Buffer[] = [];
  #bytes = 0;

  constructor(url: HttpUrlConfig) {
    this.#url = url;
    const { digest } = url;
    this.#hash =
      digest === undefined ? undefined : createHash(digest.length === MD5_DIGITS ? 'md5' : 'sha256');
  }

  take(bytes: Buffer): void {
    this.#hash?.update(bytes);
    if (this.#url.regex !== undefined && this.#bytes < SEARCHED_BYTES) this.#kept.push(bytes);
    this.#bytes += bytes.length;
  }

  /** What else comes of the body changes nothing. */
  get hasEnough(): boolean {
    return this.#hash === undefined && this.#bytes >= SEARCHED_BYTES;
  }

  /** @throws Error saying what is not as it should be */
  judge(): void {
    const { digest, regex } = this.#url;
    const found = this.#hash?.digest('hex');
    if (found !== digest) throw new Error(`the body's digest is ${found}`);
    if (regex === undefined) return;
    const isFound = hasMatch(Buffer.concat(this.#kept), regex);
    if (isFound === regex.mustNotMatch)
      throw new Error(`the body ${isFound ? 'matches' : 'does not match'} the regex`);
  }
}
