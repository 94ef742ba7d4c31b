import { readFile } from 'node:fs/promises';
import { CulvertError } from '../errors.ts';
import type { CulvertConfig } from './config.ts';
import { parseConfig } from './parse-config.ts';

/** Reads a configuration file. @throws CulvertError CONFIG_UNREADABLE; CONFIG_INVALID as `parseConfig` does. */
export async function loadConfig(path: string): Promise<CulvertConfig> {
  return parseConfig(await read(path), path);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new CulvertError('CONFIG_UNREADABLE', describe(code, message), { where: path, cause });
  }
}

function describe(code: string | undefined, message: string): string {
  if (code === 'ENOENT') return 'there is no such file; name the configuration with -c FILE';
  if (code === 'EACCES') return 'no permission to read it; run as root or change its mode';
  if (code === 'EISDIR') return 'it is a directory; name the configuration file itself';
  return `cannot be read: ${message}`;
}
