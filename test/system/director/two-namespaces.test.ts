import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { queryXdp } from '../../../src/linux/bpf/query.ts';
import { inNamespace, NAMESPACE_DIRECTORY } from '../../../src/linux/namespaces/namespace-thread.ts';
import { CulvertRun } from '../culvert-run.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const obstacle = topologyObstacle();
const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));
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
      // Forwarding goes on when a daemon ends, and with it its pins.
      for (const pins of globSync(`/sys/fs/bpf/culvert/${instance}*`)) rmSync(pins, { recursive: true });
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

    test('keep state and control sockets apart where they share the directories, and find their own', async () => {
      const shared = mkdtempSync(join(tmpdir(), 'culvert-shared-'));
      const run = (name: 'one' | 'two'): CulvertRun =>
        new CulvertRun({
          namespace: network.namespace(name),
          instance: other,
          config: SERVICES,
          directory: shared,
        });
      const command = (name: 'one' | 'two', ...words: string[]): string =>
        execFileSync(
          'nsenter',
          [`--net=${NAMESPACE_DIRECTORY}/${network.namespace(name)}`, CULVERT, ...words],
          {
            encoding: 'utf8',
            env: { ...process.env, CULVERT_RUN_DIRECTORY: shared },
          },
        );
      const drained = (name: 'one' | 'two'): boolean =>
        (JSON.parse(command(name, 'reals', '--json')) as { drained: boolean }[]).some((real) => real.drained);
      const other = `${instance}s`;
      const one = run('one');
      try {
        expect(await one.started(), one.log).toBe(true);
        command('one', 'drain', '10.0.0.3');
        const two = run('two');
        expect(await two.started(), two.log).toBe(true);
        expect(two.log).toContain(`uses the name '${other}'`);
        expect([drained('one'), drained('two')]).toEqual([true, false]);
        await two.end('SIGKILL');
        const again = run('two');
        expect(await again.started(), again.log).toBe(true);
        for (let times = 0; times < 2; times++) {
          command('two', 'down', '--instance', other);
          command('two', 'down');
          command('two', 'down', '-c', join(shared, 'culvert.yaml'));
          expect(programOn('two')).toBeUndefined();
          expect(one.hasEnded).toBe(false);
          expect(drained('one')).toBe(true);
        }
        expect(readdirSync(shared).filter((file) => file.includes('@'))).toEqual([]);
      } finally {
        command('one', 'down', '-c', join(shared, 'culvert.yaml'));
        rmSync(shared, { recursive: true });
      }
    });

    test('the one that has pins under its own name keeps it when the plain name is free', async () => {
      await using one = start('one');
      expect(await one.started(), one.log).toBe(true);
      const two = start('two');
      expect(await two.started(), two.log).toBe(true);
      const program = programOn('two');
      await two.end('SIGKILL');
      await one.api.down();
      await using again = start('two');
      expect(await again.started(), again.log).toBe(true);
      expect(programOn('two')).toBe(program);
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
