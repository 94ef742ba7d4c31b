import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topologyObstacle } from '../../src/lab/namespaces/topology.ts';
import { queryXdp } from '../../src/linux/bpf/query.ts';
import { inNamespace, NAMESPACE_DIRECTORY } from '../../src/linux/namespace-thread.ts';
import { CulvertRun } from './culvert-run.ts';
import { WiredNetwork } from './xdp-plane/wired-network.ts';

const obstacle = topologyObstacle();
const CULVERT = fileURLToPath(new URL('../../culvert', import.meta.url));
const SERVICES = 'services: [{vip: 192.0.2.10, port: 80, check: none, reals: [{address: 10.0.0.3}]}]\n';

/*
 *   one:eth0 ── peer:one      two:eth0 ── peer:two      one bpffs, one instance name
 */
describe.skipIf(obstacle !== undefined)(
  `directors of one name in two network namespaces${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let network: WiredNetwork;
    let directories: string[];
    let instance: string;

    beforeAll(async () => {
      network = new WiredNetwork();
      instance = `two${network.id}`;
      directories = ['one', 'two'].map((name) => mkdtempSync(join(tmpdir(), `culvert-${name}-`)));
      network.addHosts('one', 'two', 'peer');
      for (const [at, name] of ['one', 'two'].entries()) {
        await network.cable(`${name}:eth0`, `peer:${name}`);
        await network.ip(name, `address add 10.0.${at}.2/24 dev eth0`);
      }
    });

    afterAll(() => {
      network[Symbol.dispose]();
      for (const directory of directories) rmSync(directory, { recursive: true });
    });

    function start(name: 'one' | 'two'): CulvertRun {
      const directory = directories[name === 'one' ? 0 : 1] ?? '';
      return new CulvertRun({ namespace: network.namespace(name), instance, config: SERVICES, directory });
    }

    function programOn(name: 'one' | 'two'): number | undefined {
      const { index } = network.link(name);
      return inNamespace(network.namespace(name), () => queryXdp(index))?.programId;
    }

    test('work side by side, and what ends one leaves the other alone, alive or dead', async () => {
      await using one = start('one');
      expect(await one.started()).toBe(true);
      const first = programOn('one');
      await using two = start('two');
      expect(await two.started(), two.log).toBe(true);
      expect(programOn('one')).toBe(first);
      expect(programOn('two')).not.toBe(first);
      await one.end('SIGKILL');
      const file = join(two.directory, 'culvert.yaml');
      for (let times = 0; times < 2; times++) {
        const inside = [
          `--net=${NAMESPACE_DIRECTORY}/${network.namespace('two')}`,
          CULVERT,
          'down',
          '-c',
          file,
        ];
        execFileSync('nsenter', inside);
        expect(programOn('two')).toBeUndefined();
        expect(programOn('one')).toBe(first);
      }
      await using again = start('one');
      expect(await again.started(), again.log).toBe(true);
      expect(programOn('one')).toBe(first);
    });

    test('pins that a former version left unsigned are taken over by the namespace that they are attached in', async () => {
      const one = start('one');
      expect(await one.started()).toBe(true);
      const first = programOn('one');
      await one.end('SIGKILL');
      for (const name of ['netns', 'holder']) unlinkSync(join('/sys/fs/bpf/culvert', instance, name));
      await using two = start('two');
      expect(await two.started(), two.log).toBe(true);
      await using again = start('one');
      expect(await again.started(), again.log).toBe(true);
      expect(programOn('one')).toBe(first);
    });
  },
);
