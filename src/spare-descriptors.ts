// Descriptors that are held open, so that a full process can still do what it must.
import { closeSync, openSync } from 'node:fs';
import { localShortageIn } from './local-shortage.ts';

const COUNT = 8;

const spare: number[] = [];

/** Sets descriptors aside for what a daemon cannot do without. @throws Error EMFILE */
export function holdSpareDescriptors(): Disposable {
  while (spare.length < COUNT) spare.push(openSync('/dev/null', 'r'));
  return { [Symbol.dispose]: releaseAll };
}

/**
 * Runs `work`, and once more with the spare descriptors free if the first attempt found none left. Nothing else runs in
 * between, so that nobody else takes them.
 */
export function withSpareDescriptors<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (localShortageIn(error)?.code !== 'EMFILE' || spare.length === 0) throw error;
    releaseAll();
    try {
      return work();
    } finally {
      takeBack();
    }
  }
}

function releaseAll(): void {
  for (const descriptor of spare.splice(0)) closeSync(descriptor);
}

/** Takes back as many as possible: files opened meanwhile may stay open. */
function takeBack(): void {
  try {
    holdSpareDescriptors();
  } catch {
    // The next one who needs them finds fewer.
  }
}
