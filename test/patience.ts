import { vi } from 'vitest';

/**
 * How long tests wait for an event that is to come, unless they say otherwise. Vitest gives up after a second, which a busy
 * machine exceeds; what a test waits for is whether it comes, not how soon.
 */
const PATIENCE_MS = 50_000;

const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options) => waitFor(callback, patient(options));
vi.waitUntil = (callback, options) => waitUntil(callback, patient(options));

type Options = Parameters<typeof waitFor>[1];

function patient(options: Options): Options {
  return typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options };
}
