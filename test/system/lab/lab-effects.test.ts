import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { WireService } from '../../../src/contract/api/service-status.ts';
import type { SchedulerName } from '../../../src/forwarding/forwarding-table.ts';
import type { LabReal } from '../../../src/lab/environment.ts';
import { LAB_VIP } from '../../../src/lab/lab-config.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';

const obstacle = topologyObstacle();
const CONNECTIONS = 30;

/*
 * client ── router ── director; real1, real2, real3 behind the router (src/lab/namespaces/topology.ts).
 * real1 and real2 are the service's reals, real3 is its sorry server.
 */
describe.skipIf(obstacle !== undefined)(`a sorry server${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lab: NamespaceLab;
  let directory: string;
  let real1: LabReal;
  let real2: LabReal;
  let keys: readonly string[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'culvert-effects-'));
    lab = await NamespaceLab.open(`eff${process.pid}`);
    const [first, second, sorry] = lab.reals;
    if (!first || !second || !sorry) throw new RangeError('three reals');
    [real1, real2] = [first, second];
    const say = `echo "\${CULVERT_REAL:-quorum} $CULVERT_STATE" >> ${join(directory, 'told')}`;
    const names = ['onUp', 'onDown', 'onQuorumUp', 'onQuorumDown'];
    keys = [
      `sorryServer: {address: ${sorry.address}, inhibit: true}`,
      // A busy machine is no failed real: one whose server has ended refuses at once.
      'check: {timeout: 10s}',
      ...names.map((name) => `${name}: {shell: '${say}'}`),
    ];
    await schedule('rr');
  });

  async function schedule(scheduler: SchedulerName): Promise<void> {
    await lab.writeConfig({ scheduler, reals: [real1.address, real2.address], keys });
    await lab.api.reload();
  }

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  async function told(): Promise<string[]> {
    const text = await readFile(join(directory, 'told'), 'utf8').catch(() => '');
    return text.trim().split('\n');
  }

  async function service(): Promise<WireService> {
    const [found] = await lab.api.services();
    if (found === undefined) throw new RangeError('the director has no service');
    return found;
  }

  async function answers(requests = 6): Promise<Set<string>> {
    const names = new Set<string>();
    for (let request = 0; request < requests; request++) {
      names.add((await lab.curl(`http://${LAB_VIP}/`)).trim());
    }
    return names;
  }

  async function untilServing(sorry: boolean): Promise<void> {
    const isSo = async (): Promise<void> => expect((await service()).sorryServer?.serving).toBe(sorry);
    await vi.waitFor(isSo, { interval: 20 });
  }

  test('serves from when the last real has failed until one is back, and commands tell of it', async () => {
    expect(await answers()).toEqual(new Set(['real1', 'real2']));
    await lab.stopServer(real1);
    await lab.stopServer(real2);
    await untilServing(true);
    expect(await answers()).toEqual(new Set(['real3']));
    expect((await service()).quorum).toEqual({ state: 'lost', weight: 0, quorum: 1, hysteresis: 0 });
    await lab.startServer(real2);
    await untilServing(false);
    expect(await answers()).toEqual(new Set(['real2']));
    await vi.waitFor(async () => expect(await told()).toHaveLength(5));
    const lines = (await told()).toSorted();
    expect(lines).toEqual(
      [
        `${real1.address} down`,
        `${real2.address} down`,
        `${real2.address} up`,
        'quorum down',
        'quorum up',
      ].toSorted(),
    );
    await lab.startServer(real1);
    await vi.waitFor(async () => expect(await told()).toHaveLength(6));
  });

  test.each(['mh', 'rr'] as const)(
    '(%s) takes new connections while drained reals keep theirs, and keeps its own later',
    async (scheduler) => {
      await schedule(scheduler);
      const held = await lab.holdConnections(CONNECTIONS);
      await lab.api.drain({ address: real1.address });
      await lab.api.drain({ address: real2.address });
      await untilServing(true);
      expect(await answers()).toEqual(new Set(['real3']));
      await held.settle();
      const sorry = await lab.holdConnections(CONNECTIONS);
      await lab.api.undrain({ address: real1.address });
      await lab.api.undrain({ address: real2.address });
      await untilServing(false);
      expect(await answers(20)).toEqual(new Set(['real1', 'real2']));
      await held.settle();
      await sorry.settle();
      expect(await held.finish()).toMatchObject({ broken: 0, connections: CONNECTIONS });
      expect(await sorry.finish()).toMatchObject({ broken: 0, byReal: { real3: CONNECTIONS } });
    },
  );

  test('goes on serving over a crash of the daemon, and nothing is told again', async () => {
    await lab.stopServer(real1);
    await lab.stopServer(real2);
    await untilServing(true);
    const last = [`${real1.address} down`, `${real2.address} down`, 'quorum down'];
    await vi.waitFor(async () => expect((await told()).slice(-3).toSorted()).toEqual(last.toSorted()));
    const before = await told();
    expect(await answers(2)).toEqual(new Set(['real3']));
    await lab.killDirector();
    expect(await answers(2)).toEqual(new Set(['real3']));
    await lab.startDirector();
    expect((await service()).sorryServer?.serving).toBe(true);
    expect(await answers(2)).toEqual(new Set(['real3']));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await told()).toEqual(before);
  });
});
