// Several CPUs write the same sets of the flow memory at the same time.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { FLOW_BUSY, FLOW_WAYS } from '../../../src/forwarding/image/tables/layout.ts';
import { INGRESS_IF_INDEX, LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import {
  DIRECTOR,
  DIRECTOR_MAC,
  MTU,
  NEXT_HOP_MAC,
  STANDARD_TABLE,
  VIP,
} from '../../unit/forwarding/forwarder/fixture.ts';
import type { FlowWriterData } from './flow-writer.ts';

const SETS = 4;
const WRITERS = 3;
const PACKETS = 40_000;
const CLIENTS = 80;
const ROTATION_PORT = 81;
const seed = Number(process.env.CULVERT_SEED ?? Date.now() % 2 ** 31);
const missing = whyNotLoadable();

describe.skipIf(missing !== undefined)(`flow memory under several CPUs (${missing ?? 'loadable'})`, () => {
  test('every entry that is left belongs where it is, and no writer holds one', async () => {
    console.info(`random flows: CULVERT_SEED=${seed}`);
    using director = new LoadedDirector({ slots: 1 << 16, flows: SETS * FLOW_WAYS });
    const image = resolvedImage(director);
    const writers = Array.from({ length: WRITERS }, (_, i) => startWriter(director, seed + i));
    // A flow's packets hit, miss, evict and are evicted by the other writers' meanwhile; the clock goes on, too.
    const clock = setInterval(() => image.setNow(image.now() + 1), 5);
    await Promise.all(writers.map(async (writer) => once(writer, 'exit')));
    clearInterval(clock);

    const { words } = image.flows;
    let live = 0;
    for (let at = 0; at < words.length; at += 2) {
      const [key, value] = [words[at] as bigint, words[at + 1] as bigint];
      expect(value).not.toBe(FLOW_BUSY);
      if (value === 0n) continue;
      live++;
      const { hash } = image.flows.keyOf({
        client: Number(key >> 32n),
        clientPort: Number(key >> 16n) & 0xffff,
        serviceIndex: Number(key & 0xffffn),
        servicePort: ROTATION_PORT,
      });
      // Its own set, or the neighbour.
      expect((hash & (SETS - 1)) >> 1).toBe(Math.floor(at / (2 * FLOW_WAYS)) >> 1);
      expect(hash >>> 24).toBe(Number((value >> 24n) & 0xffn));
    }
    expect(live).toBe(SETS * FLOW_WAYS);
    const [packets, handedOver] = countsOf(director);
    expect(packets + handedOver).toBe(BigInt(WRITERS * PACKETS));
    expect(packets).toBeGreaterThan(BigInt(PACKETS));
  });
});

function resolvedImage(director: LoadedDirector): ForwardingImage {
  const image = new ForwardingImage(director.memory);
  image.setNow(1);
  image.apply(STANDARD_TABLE, 1);
  const resolved = { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: INGRESS_IF_INDEX };
  for (const { index } of image.reals()) {
    image.setPath(index, { sourceAddress: DIRECTOR, mtuBytes: MTU, resolved });
  }
  return image;
}

function startWriter(director: LoadedDirector, writerSeed: number): Worker {
  const workerData: FlowWriterData = {
    programFd: director.program.fd,
    vip: VIP,
    port: ROTATION_PORT,
    clients: CLIENTS,
    seed: writerSeed,
    packets: PACKETS,
  };
  return new Worker(new URL('./flow-writer.ts', import.meta.url), { workerData });
}

function countsOf(director: LoadedDirector): [packets: bigint, handedOver: bigint] {
  const packets = [...director.counters(64)].filter((_, i) => i % 3 === 0);
  return [packets.slice(1).reduce((sum, count) => sum + count, 0n), packets[0] as bigint];
}
