import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { spawnInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { CulvertRun } from '../culvert-run.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const obstacle = topologyObstacle();
const SERVICES = `services:
  - vip: 192.0.2.10
    port: 80
    check: {type: tcp, via: direct, port: 7, interval: 100ms, timeout: 5s, retries: 1, retryDelay: 50ms}
    reals: [{address: 10.0.0.3}]
  - vip: 192.0.2.11
    port: 80
    check: {type: misc, command: [/bin/true], interval: 100ms, timeout: 5s, retries: 1, retryDelay: 50ms}
    reals: [{address: 10.0.0.3}]
`;

/*
 *   director 10.0.0.2 ── 10.0.0.3 real, which answers at TCP port 7
 */
describe.skipIf(obstacle !== undefined)(
  `a director that is short of descriptors${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let network: WiredNetwork;
    let echo: ChildProcess;
    let instance: string;

    beforeAll(async () => {
      network = new WiredNetwork();
      instance = `short${network.id}`;
      network.addHosts('director', 'real');
      await network.cable('director:eth0', 'real:eth0');
      await network.ip('director', 'address add 10.0.0.2/24 dev eth0');
      await network.ip('real', 'address add 10.0.0.3/24 dev eth0');
      // Checks end their connections by a reset.
      echo = node(`require('node:net').createServer((socket) => socket.on('error', () => {}))
        .listen(7, '10.0.0.3', () => console.log('ready'))`);
      await once(echo.stdout as NodeJS.EventEmitter, 'data');
    });

    afterAll(() => {
      echo.kill();
      network[Symbol.dispose]();
    });

    const start = (more: { files?: number; director?: string; directory?: string }): CulvertRun =>
      new CulvertRun({ namespace: network.namespace('director'), instance, config: SERVICES, ...more });

    /** Runs a script on the real. */
    function node(script: string): ChildProcess {
      return spawnInNamespace(network.namespace('real'), [process.execPath, '-e', script], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    }

    /** Opens idle connections from the real to an address. */
    function idle(count: number, port: number): ChildProcess {
      return node(`for (let left = ${count}; left > 0; left--)
        require('node:net').connect(${port}, '10.0.0.2').on('error', () => {});
      setInterval(() => {}, 1000)`);
    }

    test.each([20, 24, 31, 32, 40, 60, 127, 128, 160, 200, 250])(
      'with %i descriptors it runs or says what is short, whatever is connected right after the start',
      async (files) => {
        const directory = mkdtempSync(join(tmpdir(), 'culvert-short-'));
        await using run = start({ files, directory });
        const socket = join(directory, `${instance}.sock`);
        const connections: Socket[] = [];
        if (await run.started()) {
          for (let count = 0; count < files; count++)
            connections.push(connect({ path: socket }).on('error', () => undefined));
          await delay(3000);
          for (const connection of connections) connection.destroy();
          await run.until(async () => (await run.api.reals().catch(() => [])).length === 2);
          expect((await run.api.reals()).map(({ health }) => health.lastError)).toEqual([null, null]);
          expect(run.hasEnded).toBe(false);
        } else {
          expect(run.process.exitCode).toBe(1);
          expect(run.log).toMatch(
            /culvert: .*(open file descriptors|descriptors open|files open).*fix: raise/,
          );
        }
        expect(run.log).not.toMatch(/RangeError|\n {4}at /);
        expect(run.log).not.toContain('is down');
        await run[Symbol.asyncDispose]();
        rmSync(directory, { recursive: true });
      },
    );

    test('1,100 idle connections at director.listen with 1,024 descriptors', async () => {
      await using run = start({ files: 1024, director: 'listen: "10.0.0.2:9090"' });
      expect(await run.started()).toBe(true);
      using clients = new DisposableStack();
      clients.adopt(idle(1100, 9090), (client) => void client.kill());
      await run.until(() => run.log.includes('closes new connections at once'));
      await delay(2000);
      await run.api.weight({ address: '10.0.0.3', weight: 7 });
      expect(readFileSync(run.stateFile, 'utf8')).toContain(': 7');
      const events = await run.api.events();
      expect(events.map(({ type }) => type)).toContain('connections-refused');
      for (const type of ['real-down', 'state-not-saved', 'check-shortage', 'shortage'])
        expect(events.map((event) => event.type)).not.toContain(type);
    });

    test('a limit that is lowered to what is open is no verdict on a real, and it is said once', async () => {
      await using run = start({ files: 1024 });
      expect(await run.started()).toBe(true);
      const before = (await run.api.status()).services.length;
      const pid = (await run.api.status()).pid;
      const highest = Math.max(
        ...readdirSync(`/proc/${pid}/fd`)
          .map(Number)
          .filter((fd) => fd < 250),
      );
      execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${highest}:1024`]);
      await run.until(() => run.log.includes('checks cannot run'));
      // Routes, links, sweeps, drift and status all go on.
      await network.ip('director', 'route add 203.0.113.0/24 via 10.0.0.3', 'link set eth0 mtu 1490');
      await delay(11_000);
      await network.ip('director', 'route del 203.0.113.0/24', 'link set eth0 mtu 1500');
      execFileSync('prlimit', ['--pid', `${pid}`, '--nofile=1024:1024']);
      await run.until(() => run.log.includes('checks run again'));
      const { services, shortages, unmadeAttempts } = await run.api.status();
      expect(services).toHaveLength(before);
      expect(shortages).toEqual([]);
      expect(unmadeAttempts).toBeGreaterThan(0);
      const types = (await run.api.events()).map(({ type }) => type);
      expect(types.filter((type) => type === 'check-shortage')).toHaveLength(1);
      expect(types.filter((type) => type === 'check-shortage-over')).toHaveLength(1);
      expect(types).not.toContain('real-down');
      expect(run.log).toMatch(/no file descriptors left \(EMFILE\); fix: raise its limit/);
    });
  },
);
