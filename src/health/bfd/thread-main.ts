import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { BfdSpeaker } from './speaker.ts';
import type { BfdNews, BfdRequest } from './thread.ts';

/** It needs little of the processor, but that in time: a peer counts milliseconds. */
const NICENESS = -10;

preferThisThread();
const done = workerData as Int32Array;
const speaker = new BfdSpeaker();
const open = new Map<number, Disposable>();

parentPort?.on('message', (request: BfdRequest) => {
  if ('open' in request) {
    const listener = request.open;
    const tell = (fault: string | undefined): void =>
      parentPort?.postMessage({ listener, fault } satisfies BfdNews, []);
    open.set(listener, speaker.open(request.neighbor, tell));
    return;
  }
  if (request.close === 'all') speaker.close();
  else close(request.close);
  // The loop lets go of what has been closed at the end of its turn.
  setImmediate(() => setImmediate(answer, request.round));
});

function close(listeners: readonly number[]): void {
  for (const listener of listeners) {
    open.get(listener)?.[Symbol.dispose]();
    open.delete(listener);
  }
}

function answer(round: number): void {
  Atomics.store(done, 0, round);
  Atomics.notify(done, 0);
}

/** For Linux the priority is a thread's own (setpriority(2)). Without CAP_SYS_NICE it stays as it is. */
function preferThisThread(): void {
  try {
    setPriority(NICENESS);
  } catch (error) {
    const { code = '' } = (error as { info?: { code?: string } }).info ?? {};
    if (!['EACCES', 'EPERM'].includes(code)) throw error;
  }
}
