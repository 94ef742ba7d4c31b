import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';

const obstacle = topologyObstacle();
const CONNECTIONS = 60;

/*
 * client ── router ── director; real1, real2, real3 behind the router (src/lab/namespaces/topology.ts).
 * The client holds connections open and sends requests on each of them all the time.
 */
describe.skipIf(obstacle !== undefined)(
  `long-lived connections${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`cont${process.pid}`);
    });

    afterAll(async () => {
      await lab[Symbol.asyncDispose]();
    });

    test('survive draining, undraining and re-weighting of reals', async () => {
      const [real1, real2] = lab.reals;
      const held = await lab.holdConnections(CONNECTIONS);
      await lab.api.drain({ address: real1?.address ?? '' });
      await held.settle();
      await lab.api.weight({ address: real2?.address ?? '', weight: 700 });
      await held.settle();
      await lab.api.undrain({ address: real1?.address ?? '' });
      await held.settle();
      await lab.api.weight({ address: real2?.address ?? '', weight: null });
      await held.settle();
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS });
    });

    test('survive the removal and the return of another real', async () => {
      const [real1, real2, real3] = lab.reals;
      if (!real1 || !real2 || !real3) throw new RangeError('three reals');
      await lab.writeConfig({ reals: [real1.address, real2.address] });
      await lab.api.reload();
      const held = await lab.holdConnections(CONNECTIONS);
      await lab.writeConfig({ reals: [real1.address, real2.address, real3.address] });
      await lab.api.reload();
      await held.settle();
      await lab.writeConfig({ reals: [real1.address, real2.address] });
      await lab.api.reload();
      await held.settle();
      await lab.writeConfig({});
      await lab.api.reload();
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS });
    });

    test('survive kill -9 and restart of the daemon, in the midst of a transition too', async () => {
      const [real1] = lab.reals;
      const held = await lab.holdConnections(CONNECTIONS);
      const before = await lab.directorProgramId();
      await lab.killDirector();
      await held.settle();
      expect(await lab.directorProgramId()).toBe(before);
      await lab.startDirector();
      await lab.api.drain({ address: real1?.address ?? '' });
      await lab.killDirector();
      await held.settle();
      await lab.startDirector();
      await held.settle();
      expect(await lab.directorProgramId()).toBe(before);
      const drained = (await lab.api.reals()).find(({ address }) => address === real1?.address);
      expect(drained).toMatchObject({ drained: true, effectiveWeight: 0 });
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS });
      await lab.api.undrain({ address: real1?.address ?? '' });
    });

    test('a new connection while the daemon is dead is forwarded', async () => {
      await lab.killDirector();
      expect(await lab.upload(1000, 3000)).toMatchObject({ completed: true });
      await lab.startDirector();
    });

    test('so is one of a service that the daemon schedules, by hash', async () => {
      await lab.writeConfig({ scheduler: 'wlc' });
      await lab.api.reload();
      await lab.killDirector();
      expect(await lab.upload(1000, 3000)).toMatchObject({ completed: true });
      await lab.startDirector();
      expect(await lab.upload(1000, 3000)).toMatchObject({ completed: true });
    });
  },
);
