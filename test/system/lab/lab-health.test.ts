import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WireReal } from '../../../src/contract/api/service-status.ts';
import type { LabReal } from '../../../src/lab/environment.ts';
import { LAB_VIP } from '../../../src/lab/lab-config.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { HOST_INTERFACE, topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { Traffic } from '../../../src/lab/traffic.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';

const obstacle = topologyObstacle();
const PATIENCE_MS = 60_000;

describe.skipIf(obstacle !== undefined)(
  `checks through the tunnel${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;
    let victim: LabReal;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`health${process.pid}`);
      victim = lab.reals[0] as LabReal;
    });

    afterAll(async () => {
      await lab[Symbol.asyncDispose]();
    });

    const onVictim = (...command: string[]): Promise<string> =>
      runInNamespace(lab.topology.namespaceOf('real1'), command);

    async function healthOf(real: LabReal): Promise<WireReal['health']> {
      const found = (await lab.api.reals()).find(({ address }) => address === real.address);
      if (found === undefined) throw new RangeError(`the director knows no ${real.address}`);
      return found.health;
    }

    /** Waits until the victim is in that state; the other reals must stay up. */
    async function untilVictimIs(state: 'up' | 'down'): Promise<void> {
      const startedMs = performance.now();
      while ((await healthOf(victim)).state !== state) {
        if (performance.now() - startedMs > PATIENCE_MS) throw new Error(`${victim.name} is not ${state}`);
        await sleep(5);
      }
      const others = (await lab.api.reals()).filter(({ address }) => address !== victim.address);
      expect(others.map(({ health }) => health.state)).toEqual(['up', 'up']);
    }

    test('a real whose service is gone goes out and comes back', async () => {
      await lab.stopServer(victim);
      await untilVictimIs('down');
      expect((await healthOf(victim)).lastError).toMatch(/refused/);
      await lab.startServer(victim);
      await untilVictimIs('up');
    });

    test('a real that has lost the VIP goes out, although its own address still answers', async () => {
      await onVictim('ip', 'address', 'del', `${LAB_VIP}/32`, 'dev', 'lo');
      await untilVictimIs('down');
      expect(await onVictim('curl', '-s', `http://${victim.address}/`)).toBe(`${victim.name}\n`);
      await onVictim('ip', 'address', 'add', `${LAB_VIP}/32`, 'dev', 'lo');
      await untilVictimIs('up');
    });

    test('a real that no longer takes the outer header off goes out', async () => {
      await lab.tearDownReal(victim);
      await untilVictimIs('down');
      await lab.setUpReal(victim, 'auto');
      await untilVictimIs('up');
    });

    test('a real that is cut off goes out', async () => {
      await onVictim('ip', 'link', 'set', HOST_INTERFACE, 'down');
      await untilVictimIs('down');
      await onVictim('ip', 'link', 'set', HOST_INTERFACE, 'up');
      await onVictim('ip', 'route', 'replace', 'default', 'via', '10.0.1.1');
      await untilVictimIs('up');
    });

    test('once it is out no request fails', async () => {
      const traffic = new Traffic(lab);
      await sleep(500);
      await lab.stopServer(victim);
      await untilVictimIs('down');
      const detectedAt = Date.now();
      await sleep(1000);
      const after = traffic.between(detectedAt, Date.now());
      await lab.startServer(victim);
      await untilVictimIs('up');
      traffic.stop();
      expect(after).toMatchObject({ failed: 0 });
      expect(after.requests).toBeGreaterThan(0);
      expect(after.byReal[victim.name]).toBeUndefined();
    });
  },
);

describe.skipIf(obstacle !== undefined)(`schedulers${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  test('rr takes turns, connection by connection', async () => {
    await using lab = await NamespaceLab.open(`rr${process.pid}`);
    await lab.writeConfig({ scheduler: 'rr' });
    await lab.api.reload();
    const answers: string[] = [];
    for (let request = 0; request < 9; request++) {
      answers.push((await lab.curl(`http://${LAB_VIP}/`)).trim());
    }
    const turn = answers.slice(0, 3);
    expect(new Set(turn)).toEqual(new Set(['real1', 'real2', 'real3']));
    expect(answers).toEqual([...turn, ...turn, ...turn]);
  });
});
