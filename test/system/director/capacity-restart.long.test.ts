import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB_VIP } from '../../../src/lab/lab-config.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';

const obstacle = topologyObstacle();
const CONNECTIONS = 60;
/** So patient that a loaded machine fails no real. */
const CHECK = 'check: {type: tcp, interval: 500ms, timeout: 30s, via: tunnel}';
const CAPACITIES = [
  '{flows: 4096, slots: 65536}',
  '{flows: 1048576, slots: 4194304}',
  '{flows: 8192, slots: 131072}',
];

/*
 * client ── router ── director; real1, real2, real3 behind the router (src/lab/namespaces/topology.ts).
 * The client holds connections open and sends requests on each of them all the time.
 */
describe.skipIf(obstacle !== undefined)(
  `the capacity of a director${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`cap${process.pid}`);
    });

    afterAll(async () => {
      await lab?.[Symbol.asyncDispose]();
    });

    async function write(scheduler: 'mh' | 'wlc', capacity: string): Promise<void> {
      await lab.writeConfig({ scheduler, keys: [CHECK] });
      const text = await readFile(lab.configPath, 'utf8');
      await writeFile(lab.configPath, text.replace('director:\n', `director:\n  capacity: ${capacity}\n`));
    }

    test.each(['wlc', 'mh'] as const)(
      '%s: restarts with greater and smaller tables break no connection, in a transition too',
      async (scheduler) => {
        await write(scheduler, '{}');
        await lab.api.reload();
        const held = await lab.holdConnections(CONNECTIONS);
        await held.settle();
        for (const [round, capacity] of CAPACITIES.entries()) {
          await write(scheduler, capacity);
          await lab.api.weight({ address: lab.reals[0]?.address ?? '', weight: round % 2 === 0 ? 20 : 300 });
          await lab.killDirector(round === 0 ? 'SIGTERM' : 'SIGKILL');
          await lab.startDirector();
          await held.settle();
        }
        await lab.api.weight({ address: lab.reals[0]?.address ?? '', weight: null });
        expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS, complaints: [] });
      },
    );

    test('two hundred quick reloads of a small table are all taken', async () => {
      await write('mh', '{flows: 4096, slots: 16384}');
      await lab.killDirector();
      await lab.startDirector();
      const held = await lab.holdConnections(CONNECTIONS);
      const text = await readFile(lab.configPath, 'utf8');
      for (let round = 0; round < 200; round++) {
        // A service whose ring is retired with each reload: the table has room for three more.
        const other = `  - {vip: ${LAB_VIP}, port: ${1000 + round}, check: none, reals: [{address: 10.0.1.2}]}\n`;
        await writeFile(lab.configPath, `${text}${other}`);
        await lab.api.reload();
      }
      await held.settle();
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS, complaints: [] });
    });
  },
);
