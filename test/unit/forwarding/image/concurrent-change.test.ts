import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { type ImageMemory, imageSizes } from '../../../../src/forwarding/image/tables/memory.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { ROUNDS_SENT, type SenderTask, STOP, WRONG } from './packet-sender.ts';
import { real, service, table, VIP } from './tables.ts';

const TICKS = 600;

/** Shared memory stands for the mapped one, which the fast path of each CPU uses at the same time. */
function sharedMemory(): ImageMemory {
  const sizes = Object.entries(imageSizes({ slots: 1 << 17, flows: 1 << 17 }));
  return Object.fromEntries(
    sizes.map(([name, size]) => [name, new SharedArrayBuffer(size)]),
  ) as unknown as ImageMemory;
}

describe('a ring that changes while packets are sent', () => {
  it('moves no flow', async () => {
    const memory = sharedMemory();
    const image = new ForwardingImage(memory);
    image.apply(table([service({ reals: [real(1), real(2), real(3)] })]), 1);
    const progress = [1, 2].map(() => new Int32Array(new SharedArrayBuffer(12)));
    const workers = progress.map((ownProgress, i) => {
      const workerData: SenderTask = {
        memory,
        service: { vip: VIP, port: 80, protocol: 6 },
        clients: ipv4('198.51.100.0') + 256 * i,
        progress: ownProgress,
      };
      return new Worker(new URL('./packet-sender.ts', import.meta.url), { workerData });
    });
    const ends = workers.map((worker) => once(worker, 'exit'));
    // No flow is ever idle for long, and no packet is under way for a tick: time waits for the senders.
    const rounds = (): number => Math.min(...progress.map((own) => Atomics.load(own, ROUNDS_SENT)));
    const weights = fc.sample(fc.array(fc.nat(3), { minLength: 3, maxLength: 12 }), {
      numRuns: TICKS,
      seed: 1,
    });
    let members = 3;
    for (let tick = 2; tick < TICKS; tick++) {
      const sent = rounds();
      while (rounds() < sent + 2) await setImmediate();
      image.setNow(tick);
      const list = weights[tick] as number[];
      members = Math.max(members, list.length);
      // A real once configured stays, so that all flows must; weight 0 drains it.
      const reals = Array.from({ length: members }, (_, i) => real(i + 1, { weight: list[i] ?? 0 }));
      if (tick % 7 === 0) image.apply(table([service({ reals })]), tick);
      image.sweep(tick);
    }
    for (const own of progress) Atomics.store(own, STOP, 1);
    expect((await Promise.all(ends)).map(([status]) => status)).toEqual([0, 0]);
    expect(progress.map((own) => own[WRONG])).toEqual([0, 0]);
    expect(image.findService(VIP, 80, 'tcp')?.slotCount).toBe(8192);
  });
});
