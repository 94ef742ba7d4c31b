import { isMainThread, workerData } from 'node:worker_threads';
import { type SelectionMemory, selectReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import { FlowTable } from '../../../../src/forwarding/image/flows/flow-table.ts';
import type { ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { RealTable } from '../../../../src/forwarding/image/tables/real-table.ts';
import { type BucketKey, ServiceTable } from '../../../../src/forwarding/image/tables/service-table.ts';
import { Settings } from '../../../../src/forwarding/image/tables/settings.ts';

/** What a worker is given; `progress` counts its rounds, and its packets that went to another real than their flow's. */
export interface SenderTask {
  readonly memory: ImageMemory;
  readonly service: BucketKey;
  readonly clients: number;
  readonly progress: Int32Array;
}

export const ROUNDS_SENT = 0;
export const WRONG = 1;
export const STOP = 2;

const SYN = 2;
const ACK = 16;
const FLOWS = 200;
const FIRST_PORT = 1024;

/** As the fast path does it: everything is read from the image for each packet. */
function send({ memory, service, clients, progress }: SenderTask): void {
  const services = new ServiceTable(memory.services);
  const reals = new RealTable(memory.reals);
  const settings = new Settings(memory.settings);
  const image: SelectionMemory = {
    hashKey: settings.hashKey,
    slots: new Uint32Array(memory.slots),
    flows: new FlowTable(memory, settings.hashKey),
    cursors: new BigUint64Array(memory.cursors),
    holdsFlowsOf: () => false,
    random: Math.random,
    isServing: (real) => reals.isServing(real),
    mayFollowTemplate: (real) => reals.isServing(real),
    sloppyTcp: false,
  };
  const select = (port: number, tcpFlags: number): number => {
    const entry = services.read(services.find(service));
    const packet = { client: clients + (port & 0xff), clientPort: port, tcpFlags };
    return selectReal(image, entry, packet, settings.now).real;
  };
  const owners = new Map<number, number>();
  let opened = 0;
  let openedTick = settings.now;
  while (Atomics.load(progress, STOP) === 0) {
    for (const [port, real] of owners) if (select(port, ACK) !== real) Atomics.add(progress, WRONG, 1);
    // Few enough that no set of the flow memory ever overflows.
    for (let i = 0; i < 5 && settings.now !== openedTick; i++) {
      const port = FIRST_PORT + opened++;
      const real = select(port, SYN);
      if (real !== 0) owners.set(port, real);
      owners.delete(port - FLOWS);
    }
    openedTick = settings.now;
    Atomics.add(progress, ROUNDS_SENT, 1);
  }
}

if (!isMainThread && workerData) send(workerData as SenderTask);
