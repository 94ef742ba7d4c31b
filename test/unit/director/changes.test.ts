import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CulvertError } from '../../../src/errors.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { config, eventTypes, FAST, Machine, REAL, TWO, WEB, web } from './machine.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.create();
});
afterEach(() => machine.destroy());

describe('overrides', () => {
  test('drain, weight and their ends, of one service or of all', async () => {
    const two = web(TWO) + web(TWO, 443);
    const { director, plane } = await machine.start(config(two));
    const weights = (): string[] => plane.forwarding().map((line) => line.split(' ').at(-1) ?? '');
    expect(weights()).toEqual(['w100', 'w50', 'w100', 'w50']);
    const drained = await director.drain({ address: REAL });
    expect(drained).toHaveLength(2);
    expect(drained[0]).toMatchObject({ drained: true, override: undefined, effectiveWeight: 0 });
    expect(weights()).toEqual(['w0', 'w50', 'w0', 'w50']);
    await director.drain({ address: REAL, service: WEB });
    await director.undrain({ address: REAL, service: WEB });
    expect(plane.forwarding()).toContain('tcp 192.0.2.10:80 10.0.3.2 w100');
    expect(plane.forwarding()).toContain('tcp 192.0.2.10:443 10.0.3.2 w0');
    const [weighted] = await director.setWeight({ address: REAL, service: WEB }, 65_535);
    expect(weighted).toMatchObject({ override: 65_535, effectiveWeight: 65_535 });
    expect(plane.forwarding()).toContain('tcp 192.0.2.10:80 10.0.3.2 w65535');
    await director.clearWeight({ address: REAL });
    expect(weights()).toEqual(['w0', 'w50', 'w100', 'w50']);
    await director.undrain({ address: REAL });
    expect(weights()).toEqual(['w100', 'w50', 'w100', 'w50']);
  });

  test('a drain and a weight are two things, over a restart too', async () => {
    const first = await machine.start(config(web(TWO)));
    const drainedWeight = 'tcp 192.0.2.10:80 10.0.3.2 w0';
    await first.director.drain({ address: REAL });
    const [weighted] = await first.director.setWeight({ address: REAL }, 30);
    expect(weighted).toMatchObject({ drained: true, override: 30, effectiveWeight: 0 });
    expect(first.plane.forwarding()).toContain(drainedWeight);
    await first.director.close();
    const second = await machine.start(config(web(TWO)));
    expect(second.plane.forwarding()).toContain(drainedWeight);
    await second.director.undrain({ address: REAL });
    expect(second.plane.forwarding()).toContain('tcp 192.0.2.10:80 10.0.3.2 w30');
    await second.director.clearWeight({ address: REAL });
    expect(second.plane.forwarding()).toContain('tcp 192.0.2.10:80 10.0.3.2 w100');
  });

  test('what does not exist or is out of range is refused', async () => {
    const { director, plane } = await machine.start(config(web(TWO)));
    const notFound = { code: 'NOT_FOUND' };
    await expect(director.drain({ address: ipv4('10.9.9.9') })).rejects.toMatchObject(notFound);
    const other = { ...WEB, port: 81 };
    await expect(director.drain({ address: REAL, service: other })).rejects.toMatchObject({
      ...notFound,
      message: "there is no service tcp 192.0.2.10:81; 'culvert services' lists them",
    });
    for (const weight of [-1, 65_536, 1.5, Number.NaN]) {
      await expect(director.setWeight({ address: REAL }, weight)).rejects.toMatchObject({ code: 'USAGE' });
    }
    expect(plane.tables).toHaveLength(1);
  });

  test('survive a restart, but not the real that they were for', async () => {
    const first = await machine.start(config(web(TWO)));
    await first.director.setWeight({ address: REAL }, 7);
    await first.director.close();
    const second = await machine.start(config(web(TWO)));
    expect(second.plane.forwarding()[0]).toBe('tcp 192.0.2.10:80 10.0.3.2 w7');
    machine.text = config(web('{address: 10.0.4.2}'));
    await second.director.reload();
    machine.text = config(web(TWO));
    await second.director.reload();
    expect(second.plane.forwarding()[0]).toBe('tcp 192.0.2.10:80 10.0.3.2 w100');
  });

  test('are saved before the answer', async () => {
    const { director } = await machine.start(config(web(TWO)));
    await director.drain({ address: REAL });
    const saved = JSON.parse(await readFile(machine.stateFile, 'utf8')) as object;
    expect(saved).toMatchObject({ version: 1, drained: ['tcp 192.0.2.10:80 10.0.3.2'] });
  });

  test('one that the plane does not take is forgotten', async () => {
    const { director, plane } = await machine.start(config(web(TWO)));
    plane.refusal = new CulvertError('CAPACITY', 'no slots left');
    await expect(director.setWeight({ address: REAL }, 7)).rejects.toMatchObject({ code: 'CAPACITY' });
    plane.refusal = undefined;
    expect((await director.status()).services[0]?.reals[0]?.override).toBeUndefined();
    await director.setWeight({ address: ipv4('10.0.4.2') }, 8);
    expect(plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.3.2 w100', 'tcp 192.0.2.10:80 10.0.4.2 w8']);
  });
});

describe('reload', () => {
  test('applies the difference and counts it', async () => {
    const { director, plane } = await machine.start(config(web(TWO) + web('{address: 10.0.9.2}', 443)));
    const service = web(
      '{address: 10.0.3.2, weight: 1}, {address: 10.0.5.2}, {address: 10.0.4.2, weight: 50}',
    );
    machine.text = config(service + web('', 8080));
    const summary = await director.reload();
    expect(summary).toMatchObject({
      servicesAdded: 1,
      servicesChanged: 1,
      servicesRemoved: 1,
      realsAdded: 1,
      realsChanged: 1,
      realsRemoved: 1,
    });
    expect(summary.applyMs).toBeGreaterThan(0);
    expect(plane.forwarding()).toEqual([
      'tcp 192.0.2.10:80 10.0.3.2 w1',
      'tcp 192.0.2.10:80 10.0.4.2 w50',
      'tcp 192.0.2.10:80 10.0.5.2 w100',
    ]);
  });

  test('of a file that does not validate, or that the plane cannot take, changes nothing', async () => {
    const run = await machine.start(config(web(TWO)));
    const before = run.plane.forwarding();
    machine.text = config(web('{address: 10.0.5.2}')).replace('port', 'prot');
    await expect(run.director.reload()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    machine.text = config(web('{address: 10.0.5.2}')).replace('eth0', 'eth9');
    await expect(run.director.reload()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    machine.text = config(web('{address: 10.0.5.2}'));
    run.plane.refusal = new CulvertError('CAPACITY', 'no slots left');
    await expect(run.director.reload()).rejects.toMatchObject({ code: 'CAPACITY' });
    run.plane.refusal = undefined;
    expect(eventTypes(run)).toEqual(['start', 'reload-failed', 'reload-failed', 'reload-failed']);
    expect((await run.director.status()).services[0]?.reals).toHaveLength(2);
    await run.director.drain({ address: REAL });
    expect(run.plane.forwarding()).toEqual(before.map((line) => line.replace('w100', 'w0')));
  });

  test('a failed real stays out, also when its check changes, until that has passed', async () => {
    const { director, plane } = await machine.start(config(web(TWO)));
    plane.connector.broken.add('10.0.3.2');
    const down = /10\.0\.3\.2 w100 -$/;
    await vi.waitFor(() => expect(plane.forwarding()[0]).toMatch(down));
    const slower = FAST.replace('20ms', '200ms');
    machine.text = config(web(TWO), undefined, slower);
    await director.reload();
    expect(plane.tables.at(-1)?.services[0]?.reals[0]?.serving).toBe(false);
    expect((await director.status()).services[0]?.reals[0]?.health.state).toBe('down');
    plane.connector.broken.clear();
    await vi.waitFor(() => expect(plane.forwarding()[0]).not.toMatch(down));
  });

  test('takes other interfaces on, and goes back to the former ones if the plane cannot take the rest', async () => {
    const { director, plane, events } = await machine.start(config(web(TWO)));
    machine.text = config(web(TWO), 'interfaces: [eth0, eth1]');
    await director.reload();
    await director.reload();
    expect(plane.interfaces).toEqual([['eth0', 'eth1']]);
    machine.text = config(web('{address: 10.0.5.2}'), 'interface: eth0');
    plane.refusal = new CulvertError('CAPACITY', 'no slots left');
    await expect(director.reload()).rejects.toMatchObject({ code: 'CAPACITY' });
    expect(plane.interfaces).toEqual([['eth0', 'eth1'], ['eth0'], ['eth0', 'eth1']]);
    expect(events.after(0).filter(({ type }) => type === 'restart-needed')).toEqual([]);
  });

  test('what needs a restart is said', async () => {
    const run = await machine.start(config(web(TWO)));
    machine.text = config(web(TWO), 'interface: eth0, instance: other, capacity: {flows: 4}');
    await run.director.reload();
    const said = run.events.after(0).filter((event) => event.type === 'restart-needed');
    expect(said.map((event) => event.message.split(' ')[0])).toEqual([
      'director.instance',
      'director.capacity',
    ]);
  });

  test('a change of health while the plane is at it is not lost', async () => {
    const { director, plane } = await machine.start(config(web(TWO)));
    const gate = Promise.withResolvers<void>();
    plane.gate = gate.promise;
    machine.text = config(web(`${TWO}, {address: 10.0.5.2}`));
    const reload = director.reload();
    const { attempts, broken } = plane.connector;
    const { length } = attempts;
    broken.add('10.0.3.2');
    await vi.waitFor(() => expect(attempts.slice(length + 1).join()).toContain('10.0.3.2'));
    gate.resolve();
    plane.gate = undefined;
    await reload;
    await vi.waitFor(() => expect(plane.forwarding()[0]).toMatch(/10\.0\.3\.2 w100 -$/));
    expect(plane.forwarding()).toHaveLength(3);
  });
});
