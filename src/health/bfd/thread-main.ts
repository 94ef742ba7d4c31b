// The thread that BFD sessions run in.
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { BfdNeighbor } from './neighbor.ts';
import { BfdSpeaker } from './speaker.ts';
import type { BfdNews, BfdRequest } from './thread.ts';

/** It needs little of the processor, but that in time: a peer counts milliseconds. */
const NICENESS = -10;
/** An error that comes again at once must not fill a disk with its reports. */
const RECOVERY_MS = 1000;

preferThisThread();
const done = workerData as Int32Array;
let speaker = new BfdSpeaker();
const wanted = new Map<number, BfdNeighbor>();
const open = new Map<number, Disposable>();
process.on('uncaughtException', recover);

parentPort?.on('message', (request: BfdRequest) => {
  if ('open' in request) {
    join(request.open, request.neighbor);
    wanted.set(request.open, request.neighbor);
    return;
  }
  if (request.close === 'all') {
    wanted.clear();
    speaker.close();
  } else close(request.close);
  // The loop lets go of what has been closed at the end of its turn.
  setImmediate(() => setImmediate(answer, request.round));
});

function join(listener: number, neighbor: BfdNeighbor): void {
  const tell = (fault: string | undefined, shortage?: string): void =>
    parentPort?.postMessage({ listener, fault, shortage } satisfies BfdNews, []);
  open.set(listener, speaker.open(neighbor, tell));
}

function close(listeners: readonly number[]): void {
  for (const listener of listeners) {
    open.get(listener)?.[Symbol.dispose]();
    open.delete(listener);
    wanted.delete(listener);
  }
}

/**
 * After an error that nobody expected a session may stand still, and with it what is known of the peer: all restart.
 * The thread must not end by it, for torn away from descriptors that it polls it would take the process with it.
 */
function recover(error: Error): void {
  report(error);
  try {
    speaker.close();
  } catch (cause) {
    report(cause as Error);
  }
  speaker = new BfdSpeaker();
  open.clear();
  setTimeout(joinAll, RECOVERY_MS);
}

function report(error: Error): void {
  parentPort?.postMessage({ error: error.stack ?? String(error) } satisfies BfdNews, []);
}

function joinAll(): void {
  for (const [listener, neighbor] of wanted) if (!open.has(listener)) join(listener, neighbor);
}

function answer(round: number): void {
  Atomics.store(done, 0, round);
  Atomics.notify(done, 0);
}

/**
 * Raises the priority of this thread. In Linux it belongs to a thread (setpriority(2)). Without CAP_SYS_NICE it stays as it is.
 */
function preferThisThread(): void {
  try {
    setPriority(NICENESS);
  } catch (error) {
    const { code = '' } = (error as { info?: { code?: string } }).info ?? {};
    if (!['EACCES', 'EPERM'].includes(code)) throw error;
  }
}
