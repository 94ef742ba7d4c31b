// The token of a listener, kept in a file that only its owner may read.
import { createHash, timingSafeEqual } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { CulvertError } from '../../errors.ts';

const SHORTEST = 16;
const LONGEST_BYTES = 4096;
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;
const MODE_OF_OTHERS = 0o077;

/**
 * A token that is read again whenever its file changes. While the file cannot be used no token matches: whoever
 * removes a token wants it to be worth nothing.
 */
export class TokenFile {
  readonly #path: string;
  readonly #onFault: (message: string) => void;
  /** The identity of the file that was read last: device, inode, size and times. */
  #seen = '';
  #digest: Buffer | undefined;

  private constructor(path: string, onFault: (message: string) => void) {
    this.#path = path;
    this.#onFault = onFault;
  }

  /**
   * @param onFault called once when the file cannot be used any more, until it can again
   * @throws CulvertError PERMISSION, CONFIG_INVALID
   */
  static async open(path: string, onFault: (message: string) => void): Promise<TokenFile> {
    const token = new TokenFile(path, onFault);
    await token.#read();
    return token;
  }

  async matches(candidate: string): Promise<boolean> {
    try {
      await this.#read();
    } catch (error) {
      this.#lose(error);
    }
    // Digests have the same length, and say nothing about how much of a token was right.
    return this.#digest !== undefined && timingSafeEqual(digestOf(candidate), this.#digest);
  }

  async #read(): Promise<void> {
    await using file = await openFile(this.#path);
    const { dev, ino, size, mtimeNs, ctimeNs, mode } = await file.stat({ bigint: true });
    const seen = [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    if (seen === this.#seen && this.#digest !== undefined) return;
    if ((Number(mode) & MODE_OF_OTHERS) !== 0)
      throw fault('PERMISSION', this.#path, `other users can read it; fix: chmod 600 ${this.#path}`);
    this.#digest = digestOf(await tokenIn(file, this.#path));
    this.#seen = seen;
  }

  #lose(error: unknown): void {
    const wasUsable = this.#digest !== undefined;
    this.#digest = undefined;
    if (!wasUsable) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#onFault(`the API refuses every request until the token file is usable again: ${message}`);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const words = code === 'ENOENT' ? 'the file does not exist' : message;
    throw new CulvertError('CONFIG_UNREADABLE', `the token file cannot be read: ${words}`, {
      where: path,
      cause,
    });
  }
}

async function tokenIn(file: FileHandle, path: string): Promise<string> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(LONGEST_BYTES + 1), 0, LONGEST_BYTES + 1, 0);
  const token = buffer.toString('latin1', 0, bytesRead).trim();
  if (bytesRead <= LONGEST_BYTES && token.length >= SHORTEST && TOKEN.test(token)) return token;
  const allowed = `allowed: one line with ${SHORTEST} or more letters, digits and . _ ~ + / = -`;
  throw fault(
    'CONFIG_INVALID',
    path,
    `holds no usable token; ${allowed}; fix: openssl rand -hex 32 > ${path}`,
  );
}

function fault(code: 'PERMISSION' | 'CONFIG_INVALID', where: string, message: string): CulvertError {
  return new CulvertError(code, message, { where });
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
