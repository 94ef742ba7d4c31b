// Files that are whole or not there: written aside, synchronised, renamed.
import { closeSync, fsync, openSync, readFileSync, writeFile } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { withSpareDescriptors } from '../../spare-descriptors.ts';

const writeAll = promisify(writeFile);
const synchronize = promisify(fsync);

/** The value of a file; undefined where there is none, and `fault` says why it could not be read. */
export async function loadDurable<Value>(
  path: string,
  decode: (text: string) => Value,
): Promise<{ value: Value | undefined; fault: string | undefined }> {
  let text: string;
  try {
    text = withSpareDescriptors(() => readFileSync(path, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { value: undefined, fault: code === 'ENOENT' ? undefined : message };
  }
  try {
    return { value: decode(text), fault: undefined };
  } catch (error) {
    // Kept aside for whoever wants to know: the next save would write over it. Where that fails, the start goes on.
    const kept = await rename(path, `${path}.damaged`).then(
      () => 'now *.damaged',
      (reason: unknown) => `it cannot be kept aside: ${String(reason)}`,
    );
    return { value: undefined, fault: `${path} is damaged (${kept}): ${String(error)}` };
  }
}

/** Whole or not at all, also when the machine fails in the middle of it; for root's eyes alone. */
export async function saveDurable(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  // The hash key is a secret: with it a client could aim at one real.
  const file = withSpareDescriptors(() => openSync(draft, 'w', 0o600));
  try {
    await writeAll(file, text);
    await synchronize(file);
  } finally {
    closeSync(file);
  }
  await rename(draft, path);
}

export async function removeDurable(path: string): Promise<void> {
  await rm(path, { force: true });
}
