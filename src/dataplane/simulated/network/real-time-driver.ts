// Lets the simulated network run with the clock of the machine.
import type { EventLoop } from './event-loop.ts';

/**
 * Events due this soon run at once: Node's timers are too coarse for the latency of a link, and a request that crosses
 * ten links would take ten of them.
 */
const AHEAD_MS = 2;

/** Lets the loop's time pass with the clock, from what it stands at, until disposed of. */
export function driveInRealTime(loop: EventLoop): Disposable {
  const offsetMs = loop.nowMs - performance.now();
  const source = (): number => performance.now() + offsetMs;
  let armed: { readonly atMs: number; disarm(): void } | undefined;

  const run = (): void => {
    armed = undefined;
    loop.advanceTo(source() + AHEAD_MS);
    arm();
  };
  const arm = (): void => {
    const nextMs = loop.nextAtMs;
    if (nextMs === undefined || (armed !== undefined && armed.atMs <= nextMs)) return;
    armed?.disarm();
    armed = { atMs: nextMs, disarm: wake(run, nextMs - AHEAD_MS - source()) };
  };
  loop.drive(source, arm);
  arm();
  return {
    [Symbol.dispose]: () => {
      armed?.disarm();
      loop.drive(undefined, undefined);
    },
  };
}

function wake(action: () => void, afterMs: number): () => void {
  if (afterMs <= 0) {
    const immediate = setImmediate(action);
    return () => clearImmediate(immediate);
  }
  const timeout = setTimeout(action, Math.ceil(afterMs));
  return () => clearTimeout(timeout);
}
