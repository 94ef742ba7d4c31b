// Loads a configuration file in either format.
import { createReadStream } from 'node:fs';
import { hostname } from 'node:os';
import { CulvertError } from '../../errors.ts';
import { type ConfigFormat, recogniseFormat } from './config-format.ts';
import type { LoadedConfig } from './loaded-config.ts';
import type { TextTask } from './parse-process.ts';
import { type FormatOptions, type ParsedText, parseText, routesFor } from './parse-text.ts';
import { reread } from './reread.ts';
import { parseInProcess } from './run-parse-process.ts';

/**
 * A text of thousands of reals takes hundreds of milliseconds and 100 MB to parse. In a process of its own the slow
 * path and the checks of a running director are not held up, and the memory is given back: neither a thread's nor the
 * collector's is.
 */
const PROCESS_FROM_LENGTH = 100_000;

/** More is another file by mistake; what a parser takes is less. */
const MAX_CONFIG_BYTES = 64 * 1024 * 1024;

export interface LoadOptions extends FormatOptions {
  /** Receives a warning for each thing in the file that culvert does not use, one line with its place. */
  readonly onWarning?: (warning: string) => void;
  /** The configuration read before: if the file differs little from it, only the changes are parsed. */
  readonly previous?: LoadedConfig | undefined;
}

/**
 * Reads a configuration file, culvert's YAML or a keepalived.conf.
 * @throws CulvertError CONFIG_UNREADABLE; CONFIG_INVALID as `parseText` does.
 */
export async function loadConfig(path: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const { onWarning, previous, ...formatOptions } = options;
  const task = {
    text: await readConfigFile(path),
    fileName: path,
    options: { ...formatOptions, ...reachedBefore(previous), hostName: hostname() },
  };
  const { loaded, warnings } = rereadText(task, previous) ?? (await parseWhole(task));
  for (const warning of warnings) onWarning?.(warning);
  return loaded;
}

function reachedBefore(previous: LoadedConfig | undefined): { reachedBy?: string } {
  const [name, ...others] = previous?.config.director.interfaces ?? [];
  return name === undefined || others.length > 0 ? {} : { reachedBy: name };
}

function formatOf({ fileName, text, options }: TextTask): ConfigFormat {
  return options.format ?? recogniseFormat(fileName, text);
}

function rereadText(task: TextTask, previous: LoadedConfig | undefined): ParsedText | undefined {
  if (previous === undefined || formatOf(task) !== 'yaml') return undefined;
  const loaded = reread(previous, task.text, task.fileName);
  return loaded && { loaded, warnings: [] };
}

async function parseWhole(task: TextTask): Promise<ParsedText> {
  const { text, fileName, options } = task;
  if (!isSmall(text)) return parseInProcess(task);
  return parseText(text, fileName, options, await routesFor(text, fileName, options));
}

/**
 * Returns true if a text is small enough to be parsed in this process. A text that may grow is not: a keepalived.conf includes
 * files and repeats lines.
 */
function isSmall(text: string): boolean {
  return text.length < PROCESS_FROM_LENGTH && !/^[ \t]*include[rmwba]?[ \t]|~(?:SEQ|LST)/m.test(text);
}

/** @throws CulvertError CONFIG_UNREADABLE. */
export async function readConfigFile(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new CulvertError('CONFIG_UNREADABLE', describe(code, message), { where: path, cause });
  }
}

/** It may be a pipe, or a device without end. */
async function readText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_CONFIG_BYTES) throw new Error(`the file is larger than ${MAX_CONFIG_BYTES} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function describe(code: string | undefined, message: string): string {
  if (code === 'ENOENT') return 'no such file; fix: name a configuration file that exists';
  if (code === 'EACCES') return 'permission denied; fix: run as root, or change the mode of the file';
  if (code === 'EISDIR') return 'this is a directory; fix: name the configuration file itself';
  return `cannot be read: ${message}`;
}
