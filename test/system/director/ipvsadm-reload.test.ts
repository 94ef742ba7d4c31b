import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';

const obstacle = topologyObstacle();
const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));
const CONNECTIONS = 40;

/*
 * client ── router ── director; real1, real2, real3 behind the router (src/lab/namespaces/topology.ts).
 * The client holds connections open and sends requests on each of them all the time, while all services go and come back.
 */
describe.skipIf(obstacle !== undefined)(
  `connections over a reload by ipvsadm${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`adm${process.pid}`);
    });

    afterAll(async () => {
      await lab?.[Symbol.asyncDispose]();
    });

    function ipvsadm(words: readonly string[], input = ''): string {
      const socket = join(dirname(lab.configPath), `${lab.instance}.sock`);
      return execFileSync(CULVERT, ['ipvsadm', '--socket', socket, ...words], { input, encoding: 'utf8' });
    }

    test.each(['wlc', 'rr', 'mh'] as const)('%s: -S, -C and -R break none', async (scheduler) => {
      await lab.writeConfig({ scheduler });
      await lab.api.reload();
      const held = await lab.holdConnections(CONNECTIONS);
      await held.settle();
      const saved = ipvsadm(['-S', '-n']);
      expect(saved).toContain('-A -t 192.0.2.10:80');
      ipvsadm(['-C']);
      expect(await lab.api.services()).toEqual([]);
      ipvsadm(['-R'], saved);
      await held.settle();
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS, complaints: [] });
    });

    test('a file that takes the service away, and one that brings it back', async () => {
      await lab.writeConfig({ scheduler: 'wlc' });
      await lab.api.reload();
      const text = await readFile(lab.configPath, 'utf8');
      const held = await lab.holdConnections(CONNECTIONS);
      await held.settle();
      await writeFile(lab.configPath, text.replace('port: 80\n', 'port: 8080\n'));
      await lab.api.reload();
      await writeFile(lab.configPath, text);
      await lab.api.reload();
      await held.settle();
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS, complaints: [] });
    });
  },
);
