import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LAB } from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import type { Real, SchedulerName } from '../../../../src/forwarding/forwarding-table.ts';
import type { ApplySummary } from '../../../../src/forwarding/image/change/apply-run.ts';
import { labReals, labTable } from './lab-table.ts';
import { type OpenSession, SimLab } from './sim-lab.ts';

describe.each<SchedulerName>(['rr', 'mh'])('changes under a %s service', (scheduler) => {
  let lab: SimLab;
  beforeEach(async () => {
    lab = await SimLab.open();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  const apply = (...changes: Partial<Real>[]): Promise<ApplySummary> =>
    lab.plane.apply(labTable({ scheduler, reals: labReals(...changes) }));

  async function expectUnmoved(sessions: readonly OpenSession[]): Promise<void> {
    for (const { session, server } of sessions) {
      expect(await lab.ask(session)).toMatchObject({ ok: true, server });
    }
  }

  test('a drained real keeps its connections and gets no new ones', async () => {
    await apply();
    const sessions = await lab.openSessions(12);
    await apply({}, { weight: 0 });
    expect(await lab.spread(20)).not.toHaveProperty('real2');
    await expectUnmoved(sessions);
    expect(sessions.some(({ server }) => server === 'real2')).toBe(true);
  });

  test('connections stay where they are when reals come, change weight, drain and come back', async () => {
    await lab.plane.apply(labTable({ scheduler, reals: labReals().slice(0, 2) }));
    const sessions = await lab.openSessions(12);
    for (const changes of [[], [{ weight: 5 }], [{ weight: 5 }, { weight: 0 }], [{}, {}, { weight: 0 }]]) {
      await apply(...changes);
      sessions.push(...(await lab.openSessions(3)));
      await expectUnmoved(sessions);
    }
  });

  test('a failed real: its connections are reset, the others do not notice, and it comes back', async () => {
    const [, second = LAB.vip] = LAB.reals;
    await apply();
    const sessions = await lab.openSessions(12);
    lab.topology.setLink(second, false);
    await apply({}, { serving: false });
    expect(await lab.spread(20)).not.toHaveProperty('real2');
    await expectUnmoved(sessions.filter((open) => open.server !== 'real2'));
    const orphans = sessions.filter((open) => open.server === 'real2');
    expect(orphans).not.toHaveLength(0);
    for (const { session } of orphans) {
      expect(await lab.ask(session)).toMatchObject({ ok: false, error: 'connection reset' });
    }
    lab.topology.setLink(second, true);
    await apply();
    expect(await lab.spread(40)).toHaveProperty('real2');
  });

  test('a plane that is opened over the memory of the last one goes on with its flows', async () => {
    await apply();
    const sessions = await lab.openSessions(9);
    await lab.reopenPlane();
    expect(lab.plane.services()[0]?.reals.map(({ address }) => address)).toStrictEqual(LAB.reals);
    await expectUnmoved(sessions);
    const none = { added: 0, changed: 0, removed: 0 };
    expect(await apply()).toStrictEqual({ services: none, reals: none, slotsWritten: 0 });
    await expectUnmoved(sessions);
  });
});
