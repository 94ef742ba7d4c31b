// A real is drained under mh while a client holds real TCP connections to it, most of them silent.
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WireReal } from '../../../src/contract/api/service-status.ts';
import type { LabReal } from '../../../src/lab/environment.ts';
import { LAB_VIP } from '../../../src/lab/lab-config.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { spawnInNamespace } from '../../../src/linux/namespaces/netns.ts';

const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));
const obstacle = topologyObstacle();
const CONNECTIONS = 40;
const SECONDS = 12;
/** Opens connections, says "open", sends a request on all of them for each line that it reads, and closes them at its end. */
const HOLDER = `
const sockets = [];
for (let i = 0; i < ${CONNECTIONS}; i++) {
  const socket = require('node:net').connect(80, '${LAB_VIP}', () => {
    sockets.push(socket);
    if (sockets.length === ${CONNECTIONS}) console.log('open');
  });
  socket.on('error', () => console.log('broken')).on('data', () => {});
}
process.stdin.on('data', () => sockets.forEach((socket) => socket.write('GET / HTTP/1.1\\r\\nHost: drain\\r\\n\\r\\n')));
process.stdin.on('end', () => sockets.forEach((socket) => socket.destroy()));
`;

/* client ── router ── director; real1, real2 behind the router (src/lab/namespaces/topology.ts). */
describe.skipIf(obstacle !== undefined)(
  `draining under mh${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;
    let drained: LabReal;
    let holder: ChildProcess;
    let broken = 0;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`drn${process.pid}`);
      const [first, second] = lab.reals;
      if (!first || !second) throw new RangeError('two reals');
      drained = first;
      await lab.writeConfig({ reals: [first.address, second.address], keys: ['check: none'] });
      const names = ['tcp', 'tcpFin', 'synRecv', 'timeWait', 'udp', 'close'];
      const timeouts = names.map((name) => `${name}: ${SECONDS}s`).join(', ');
      const text = await readFile(lab.configPath, 'utf8');
      await writeFile(lab.configPath, text.replace('director:\n', `director:\n  timeouts: {${timeouts}}\n`));
      await lab.api.reload();
    });
    afterAll(async () => {
      holder?.kill();
      await lab?.[Symbol.asyncDispose]();
    });

    async function open(): Promise<void> {
      const command = [process.execPath, '-e', HOLDER];
      holder = spawnInNamespace(lab.topology.namespaceOf('client'), command, {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      broken = 0;
      const opened = Promise.withResolvers<void>();
      holder.stdout?.on('data', (text: Buffer) => {
        if (text.includes('broken')) broken++;
        if (text.includes('open')) opened.resolve();
      });
      await opened.promise;
    }

    async function close(): Promise<void> {
      holder.stdin?.end();
      if (holder.exitCode === null) await once(holder, 'exit');
    }

    async function real(): Promise<WireReal> {
      const found = (await lab.api.reals()).find(({ address }) => address === drained.address);
      if (found === undefined) throw new RangeError('the real is gone');
      return found;
    }

    interface Ran {
      readonly status: number;
      readonly text: string;
    }

    async function culvert(...words: readonly string[]): Promise<Ran> {
      const socket = ['--socket', `${lab.configPath.replace('culvert.yaml', lab.instance)}.sock`];
      try {
        const { stdout, stderr } = await promisify(execFile)(CULVERT, [...words, ...socket]);
        return { status: 0, text: stdout + stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { status: code, text: stdout + stderr };
      }
    }

    test('what has not sent since is not known, a wait that times out says so, and one that ends leaves nobody', async () => {
      await open();
      expect(await real()).toMatchObject({ activeKnown: false, completeAt: null });
      const waiting = await culvert('drain', drained.address, '--wait', '--timeout', '1s');
      expect(waiting.status).toBe(1);
      expect(waiting.text).toMatch(/at least \d+ active, 0 inactive; complete in \d+s/);
      const before = await real();
      expect(before).toMatchObject({ drained: true, activeKnown: false, completeAt: expect.any(String) });
      expect((await culvert('reals')).text).toMatch(/≥\d+ .*drained, flows complete in \d+s/);
      holder.stdin?.write('\n');
      await vi.waitFor(async () => expect((await real()).activeFlows).toBeGreaterThan(5), {
        timeout: 10_000,
      });
      // Some time before the window is over they all send again, and so are all of them known.
      const completeMs = Date.parse(before.completeAt ?? '') - Date.now();
      const ended = culvert('drain', drained.address, '--wait', '--timeout', '120s');
      const beat = setInterval(() => holder.stdin?.write('\n'), 1000);
      await vi.waitFor(async () => expect((await real()).activeKnown).toBe(true), {
        timeout: completeMs + 30_000,
      });
      expect((await real()).activeFlows).toBeGreaterThan(5);
      clearInterval(beat);
      expect(broken).toBe(0);
      await close();
      expect(await ended).toMatchObject({
        status: 0,
        text: expect.stringContaining('no connection is left'),
      });
      expect(await real()).toMatchObject({ activeKnown: true, activeFlows: 0, inactiveFlows: 0 });
      expect((await culvert('reals')).text).toContain('drained, no flows left');
    });

    test('after an undrain nothing stands there that has ended since', async () => {
      expect((await culvert('undrain', drained.address)).status).toBe(0);
      await vi.waitFor(async () => expect((await lab.api.stats()).services[0]?.trackedSlots).toBe(0), {
        timeout: 60_000,
        interval: 200,
      });
      await open();
      await culvert('drain', drained.address);
      holder.stdin?.write('\n');
      await vi.waitFor(async () => expect((await real()).activeFlows).toBeGreaterThan(5), {
        timeout: 10_000,
      });
      await culvert('undrain', drained.address);
      await vi.waitFor(async () => expect((await real()).activeFlows).toBe(0), { timeout: 60_000 });
      expect(await real()).toMatchObject({ activeKnown: false, completeAt: null, effectiveWeight: 100 });
      holder.stdin?.write('\n');
      await close();
      expect(broken).toBe(0);
      expect((await real()).activeFlows).toBe(0);
    });

    test('a weight set by hand waits behind a drain', async () => {
      await culvert('drain', drained.address);
      expect((await culvert('weight', drained.address, '30')).text).toMatch(
        /drained.*; weight 30 set by hand/,
      );
      expect(await real()).toMatchObject({ drained: true, override: 30, effectiveWeight: 0 });
      await culvert('undrain', drained.address);
      expect(await real()).toMatchObject({ drained: false, override: 30, effectiveWeight: 30 });
    });
  },
);
