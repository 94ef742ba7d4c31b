import { open } from 'node:fs/promises';
import type { FileProbeConfig } from '../../config/probe-config.ts';
import type { ProbeContext } from '../probe.ts';
import type { WeightEffect } from '../weight-effect.ts';

const READ_BYTES = 127;
const GREATEST = 2 ** 31;
/** keepalived: a result of this or less is a failure. */
const FAILED = -254;

/** keepalived's track_file: 0 where there is no file or no number at its beginning. */
export async function probeFile(
  { file, weight, reverse }: FileProbeConfig,
  { signal }: ProbeContext,
): Promise<WeightEffect | undefined> {
  const number = numberIn(await beginningOf(file));
  signal.throwIfAborted();
  if (number < -GREATEST || number > GREATEST)
    throw new Error(`${file} has ${number}, which is out of range`);
  if (weight === 0) {
    if ((number === 0) === reverse) throw new Error(`${file} has ${number}`);
    return undefined;
  }
  const add = number * weight * (reverse ? -1 : 1);
  if (add <= FAILED) throw new Error(`${file} has ${number}, which makes ${add} of the weight`);
  return { add: add + 0 };
}

async function beginningOf(file: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new Error(`cannot read it: ${message}`, { cause: error });
  }
}

/** As strtol reads it: decimal, 0x hexadecimal, 0 octal. */
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
