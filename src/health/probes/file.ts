// The probe of `file` checks.
import { constants, type FSWatcher, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { FileProbeConfig } from '../../contract/checks/probe-config.ts';
import type { Probe, ProbeContext } from '../probe.ts';
import type { WeightEffect } from '../weight-effect.ts';

const READ_BYTES = 127;
const GREATEST = 2 ** 31;

/**
 * keepalived's track_file: the number at the beginning of a file, 0 where there is none or no file. A number of more
 * than 32 bits is passed over: what was read last holds.
 */
export function fileProbe(config: FileProbeConfig): Probe {
  const { file } = config;
  let last = 0;
  return {
    silencePasses: false,
    run: async ({ signal }: ProbeContext): Promise<WeightEffect | undefined> => {
      const number = numberIn(await beginningOf(file));
      signal.throwIfAborted();
      if (Math.abs(number) <= GREATEST) last = number;
      return judge(last, config);
    },
    watch: (changed) => watchFile(file, changed),
  };
}

function judge(number: number, { file, weight, reverse }: FileProbeConfig): WeightEffect | undefined {
  if (weight === 0) {
    if ((number === 0) === reverse) throw new Error(`${file} contains ${number}`);
    return undefined;
  }
  const add = number * weight * (reverse ? -1 : 1);
  if (add <= -GREATEST) throw new Error(`${file} contains ${number}, which adds ${add} to the weight`);
  return { add: Math.min(add + 0, GREATEST - 1) };
}

/** A writer empties the file before it writes: what changes is read when it has been left alone for so long. */
const SETTLED_MS = 50;

/**
 * Watches the file by its directory, as it may come, go and be replaced. If the directory cannot be watched, the interval has to
 * suffice.
 */
function watchFile(file: string, changed: () => void): Disposable {
  let watcher: FSWatcher | undefined;
  let settling: NodeJS.Timeout | undefined;
  try {
    watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name !== null && name !== basename(file)) return;
      clearTimeout(settling);
      settling = setTimeout(changed, SETTLED_MS).unref();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    watcher = undefined;
  }
  return {
    [Symbol.dispose]: () => {
      clearTimeout(settling);
      watcher?.close();
    },
  };
}

/** A pipe would hold one of Node's few threads for files until somebody writes, and in the end all of them: it is not waited for. */
async function beginningOf(file: string): Promise<string> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    if (code === 'ESPIPE') throw new Error('cannot read it: it is a pipe; allowed: a file', { cause: error });
    throw new Error(`cannot read it: ${message}`, { cause: error });
  }
}

/** Parses a number as strtol does: decimal, 0x hexadecimal, 0 octal. */
function numberIn(text: string): number {
  const [, sign, hex, octal, decimal] = /^\s*([-+]?)(?:0x([0-9a-f]+)|0([0-7]+)|(\d+))/i.exec(text) ?? [];
  const value =
    hex !== undefined
      ? Number.parseInt(hex, 16)
      : octal !== undefined
        ? Number.parseInt(octal, 8)
        : Number(decimal ?? 0);
  return sign === '-' ? 0 - value : value;
}
