import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CulvertError } from '../../../src/errors.ts';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { REAL as REAL_LAYOUT } from '../../../src/forwarding/image/tables/layout.ts';
import { allocateImageMemory } from '../../../src/forwarding/image/tables/memory.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { ImagePlane } from './image-plane.ts';
import { config, eventTypes, Machine, type Run, TWO, WEB, web } from './machine.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.create();
});
afterEach(() => machine.destroy());

const FILE = config(web(TWO));
const BOTH = ['tcp 192.0.2.10:80 10.0.3.2 w100', 'tcp 192.0.2.10:80 10.0.4.2 w50'];
const LATE = 60_000;

/** The file's document with the reals of its one service replaced. */
function withReals({ director }: Run, ...reals: object[]): object {
  const { config: document } = director.config();
  return { ...document, services: document.services.map((service) => ({ ...service, reals })) };
}

const lone = (run: Run, weight = 7): object => withReals(run, { address: '10.0.3.2', weight });
const LONE = ['tcp 192.0.2.10:80 10.0.3.2 w7'];

describe('the running configuration', () => {
  test('is the document of the file, in the words of the file', async () => {
    const { director } = await machine.start(FILE);
    expect(director.config()).toEqual({
      config: {
        director: { interface: 'eth0' },
        defaults: { check: { interval: '20ms', timeout: '1s', retries: 0, retryDelay: '5ms' } },
        services: [
          {
            vip: '192.0.2.10',
            port: 80,
            reals: [{ address: '10.0.3.2' }, { address: '10.0.4.2', weight: 50 }],
          },
        ],
      },
      revision: expect.stringMatching(/^[0-9a-f]{16}$/),
      source: 'file',
      confirmBefore: undefined,
    });
  });

  test('what it reads is what it takes: nothing changes', async () => {
    const run = await machine.start(FILE);
    const { config: document, revision } = run.director.config();
    const summary = await run.director.apply(document, { revision });
    expect(summary).toMatchObject({ servicesChanged: 0, realsChanged: 0, realsRemoved: 0, revision });
    expect(run.director.config().source).toBe('file');
    expect(run.plane.tables).toHaveLength(1);
  });

  test('is another one by apply, with another revision and an event', async () => {
    const run = await machine.start(FILE);
    const before = run.director.config();
    const summary = await run.director.apply(lone(run), { revision: before.revision });
    expect(summary).toMatchObject({ servicesChanged: 1, realsChanged: 1, realsRemoved: 1 });
    expect(run.plane.forwarding()).toEqual(LONE);
    const after = run.director.config();
    expect(after).toMatchObject({ source: 'applied', config: lone(run), revision: summary.revision });
    expect(after.revision).not.toBe(before.revision);
    expect(eventTypes(run)).toEqual(['start', 'apply']);
  });

  test('made from a former revision changes nothing', async () => {
    const run = await machine.start(FILE);
    const { revision } = run.director.config();
    await run.director.apply(lone(run));
    const late = run.director.apply(withReals(run), { revision });
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(run.plane.forwarding()).toEqual(LONE);
  });

  test('two changes at once: one is done, the other is told', async () => {
    const run = await machine.start(FILE);
    const { revision } = run.director.config();
    const both = [lone(run), withReals(run)].map((one) => run.director.apply(one, { revision }));
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('with errors names their paths and changes nothing', async () => {
    const run = await machine.start(FILE);
    const wrong = {
      director: { interface: 'eth0' },
      services: [
        { vip: '192.0.2.10', port: 80, reals: [{ address: '10.0.3.2', weight: -1 }] },
        { vip: '192.0.2.10', port: 80, reals: [] },
      ],
    };
    const refused = run.director.apply(wrong);
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(refused).rejects.toThrow(
      'services[0].reals[0].weight: found -1; allowed: a whole number from 0 to 65535\n' +
        'services[1].vip: duplicate service tcp 192.0.2.10:80, first in services[0]; ',
    );
    const { config: document } = run.director.config();
    const elsewhere = { ...document, director: { interface: 'eth7', instance: 'eth0' } };
    await expect(run.director.apply(elsewhere)).rejects.toThrow(/^director\.interface: .*eth7/);
    const renamed = { ...document, director: { interface: 'eth0', instance: 'other' } };
    await expect(run.director.apply(renamed)).rejects.toThrow(
      /^director\.instance: found 'other'; allowed: 'eth0'/,
    );
    await expect(run.director.apply(undefined)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(run.plane.forwarding()).toEqual(BOTH);
    expect(eventTypes(run)).toEqual(['start']);
  });

  test('that the plane refuses changes nothing', async () => {
    const run = await machine.start(FILE);
    run.plane.refusal = new CulvertError('CAPACITY', 'no room');
    await expect(run.director.apply(lone(run))).rejects.toThrow('no room');
    run.plane.refusal = undefined;
    expect(run.director.config().source).toBe('file');
    expect(run.plane.forwarding()).toEqual(BOTH);
    expect(eventTypes(run)).toEqual(['start']);
  });

  test('that the kernel fails at changes nothing, and is an event', async () => {
    const run = await machine.start(FILE);
    run.plane.refusal = new CulvertError('KERNEL', 'out of memory');
    await expect(run.director.apply(lone(run))).rejects.toThrow('out of memory');
    run.plane.refusal = undefined;
    expect(eventTypes(run)).toEqual(['start', 'apply-failed']);
  });

  test('reload goes back to the file', async () => {
    const run = await machine.start(FILE);
    await run.director.apply(lone(run));
    expect(await run.director.reload()).toMatchObject({ realsAdded: 1, realsChanged: 1 });
    expect(run.director.config().source).toBe('file');
    expect(run.plane.forwarding()).toEqual(BOTH);
  });

  test('tells which settings need a restart', async () => {
    const run = await machine.start(FILE);
    const { config: document } = run.director.config();
    await run.director.apply({ ...document, director: { interface: 'eth0', listen: '127.0.0.1:9' } });
    expect(run.events.after(0).at(-1)).toMatchObject({
      type: 'restart-needed',
      message: 'director.listen has changed and takes effect at the next start',
    });
  });
});

test('a reload of the same file puts back what others have written to the plane', async () => {
  const memory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 8 });
  const run = await machine.start(FILE, new ImagePlane(memory));
  new Uint8Array(memory.services).fill(0);
  await run.director.reload();
  expect(run.plane.drift).toContain('the entry of tcp 192.0.2.10:80 in the service table');
  expect(run.plane.image.findService(WEB.vip, 80, 'tcp')).toBeDefined();
  expect(new ForwardingImage(memory).services()).toHaveLength(1);
  expect(run.plane.tables).toHaveLength(1);
});

describe('over a restart', () => {
  test('what was applied holds', async () => {
    const first = await machine.start(FILE);
    await first.director.apply(lone(first));
    const { revision } = first.director.config();
    await first.director.close();
    const second = await machine.start(FILE);
    expect(second.plane.forwarding()).toEqual(LONE);
    expect(second.director.config()).toMatchObject({ source: 'applied', revision });
    expect(eventTypes(second)).toEqual(['apply-kept', 'start']);
  });

  test('until the file says something else', async () => {
    const first = await machine.start(FILE);
    await first.director.apply(lone(first));
    await first.director.close();
    const commented = await machine.start(`# only a comment more\n${FILE}`);
    expect(commented.plane.forwarding()).toEqual(LONE);
    await commented.director.close();
    const second = await machine.start(config(web(TWO, 81)));
    expect(second.plane.forwarding()[0]).toMatch(/:81/);
    expect(eventTypes(second)).toEqual(['apply-ended', 'start']);
    await second.director.close();
    expect((await machine.start(FILE)).plane.forwarding()).toEqual(BOTH);
  });
});

describe('on trial', () => {
  test('it goes back by itself', async () => {
    const run = await machine.start(FILE);
    const { confirmBefore } = await run.director.apply(lone(run), { confirmMs: 50 });
    expect(run.director.config().confirmBefore).toBe(confirmBefore);
    await vi.waitFor(() => expect(run.plane.forwarding()).toEqual(BOTH));
    await vi.waitFor(() => expect(eventTypes(run)).toEqual(['start', 'apply', 'revert', 'revert']));
    expect(run.director.config()).toMatchObject({ source: 'file', confirmBefore: undefined });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(confirmBefore ?? ''));
    await expect(run.director.confirm()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('it stays when it is confirmed, and goes when it is taken back', async () => {
    const run = await machine.start(FILE);
    await run.director.apply(lone(run), { confirmMs: LATE });
    expect(await run.director.confirm()).toMatchObject({ source: 'applied', confirmBefore: undefined });
    expect(run.plane.forwarding()).toEqual(LONE);
    await expect(run.director.revert()).rejects.toMatchObject({ code: 'CONFLICT' });
    await run.director.apply(lone(run, 9), { confirmMs: LATE });
    await run.director.revert();
    expect(run.plane.forwarding()).toEqual(LONE);
    expect(run.director.config()).toMatchObject({ source: 'applied', confirmBefore: undefined });
  });

  test('a second one puts the time off and goes back to what was before the first', async () => {
    const run = await machine.start(FILE);
    await run.director.apply(lone(run), { confirmMs: LATE });
    const second = await run.director.apply(lone(run, 9), { confirmMs: 2 * LATE });
    expect(Date.parse(second.confirmBefore ?? '')).toBeGreaterThan(Date.now() + LATE);
    await run.director.revert();
    expect(run.plane.forwarding()).toEqual(BOTH);
  });

  test('what is applied meanwhile without a time is on trial too', async () => {
    const run = await machine.start(FILE);
    const first = await run.director.apply(lone(run), { confirmMs: LATE });
    const second = await run.director.apply(lone(run, 9));
    expect(second.confirmBefore).toBe(first.confirmBefore);
    await run.director.revert();
    expect(run.plane.forwarding()).toEqual(BOTH);
    const told = run.events
      .after(0)
      .map(({ message }) => message.includes(`rolled back at ${first.confirmBefore}`));
    expect(told).toEqual([false, true, true, false]);
  });

  test('a reload meanwhile ends it; one that fails does not', async () => {
    const run = await machine.start(FILE);
    await run.director.apply(lone(run), { confirmMs: LATE });
    machine.text = 'rubbish';
    await expect(run.director.reload()).rejects.toThrow();
    expect(run.director.config().confirmBefore).toBeDefined();
    machine.text = config(web(TWO, 81));
    await run.director.reload();
    expect(run.director.config()).toMatchObject({ source: 'file', confirmBefore: undefined });
    await expect(run.director.revert()).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('a restart meanwhile: it goes back at the time that was said', async () => {
    const first = await machine.start(FILE);
    await first.director.apply(lone(first), { confirmMs: 400 });
    await first.director.close();
    const second = await machine.start(FILE);
    expect(second.plane.forwarding()).toEqual(LONE);
    await vi.waitFor(() => expect(second.plane.forwarding()).toEqual(BOTH));
    expect(eventTypes(second)).toContain('revert');
  });

  test('a start after that time begins with what was before', async () => {
    const first = await machine.start(FILE);
    await first.director.apply(lone(first));
    await first.director.apply(withReals(first), { confirmMs: 20 });
    await first.director.close();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const second = await machine.start(FILE);
    expect(second.plane.forwarding()).toEqual(LONE);
    expect(second.plane.tables).toHaveLength(1);
    expect(eventTypes(second)).toEqual(['revert', 'apply-kept', 'start']);
    await expect(second.director.confirm()).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('health', () => {
  const DOWN = ['tcp 192.0.2.10:80 10.0.3.2 w100 -', 'tcp 192.0.2.10:80 10.0.4.2 w50'];
  /** Slow enough that no other attempt comes in a test. */
  const SLOW = { interval: '60s', timeout: '1s', retries: 0, retryDelay: '1s', warmup: '60s' };
  const both = [{ address: '10.0.3.2' }, { address: '10.0.4.2', weight: 50 }];

  async function startFailed(): Promise<Run> {
    const run = await machine.start(FILE);
    run.plane.connector.broken.add('10.0.3.2');
    await vi.waitFor(() => expect(run.plane.forwarding()).toEqual(DOWN));
    return run;
  }

  function slowly(...reals: object[]): object[] {
    return reals.map((real) => ({ ...real, check: SLOW }));
  }

  test('a failed real stays failed under another check until that has passed', async () => {
    const run = await startFailed();
    await run.director.apply(withReals(run, ...slowly(...both)));
    run.plane.connector.broken.clear();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(run.plane.forwarding()).toEqual(DOWN);
    await run.director.apply(withReals(run, ...both));
    await vi.waitFor(() => expect(run.plane.forwarding()).toEqual(BOTH));
  });

  test('a healthy real stays healthy under another check until that has failed', async () => {
    const run = await machine.start(FILE);
    const check = { ...SLOW, alpha: true };
    await run.director.apply(withReals(run, ...both.map((real) => ({ ...real, check }))));
    expect(run.plane.forwarding()).toEqual(BOTH);
  });

  test('a failed and a drained real that a trial takes away come back so', async () => {
    const run = await startFailed();
    await run.director.drain({ address: ipv4('10.0.4.2') });
    await run.director.apply(withReals(run, { address: '10.0.5.2' }), { confirmMs: LATE });
    // While the service has no quorum, what comes back would have to be proven first.
    await vi.waitFor(() => expect(run.plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.5.2 w100']));
    const before = run.plane.tables.length;
    await run.director.revert();
    expect(run.plane.forwarding()).toEqual([DOWN[0], 'tcp 192.0.2.10:80 10.0.4.2 w0']);
    expect(run.plane.tables[before]?.services[0]?.reals).toMatchObject([
      { serving: false },
      { serving: true, weight: 0 },
    ]);
  });

  test('so they do over a restart in between, and are forgotten once the trial is confirmed', async () => {
    const first = await startFailed();
    await first.director.drain({ address: ipv4('10.0.4.2') });
    await first.director.apply(withReals(first, { address: '10.0.5.2' }), { confirmMs: LATE });
    await first.director.close();
    const second = await machine.start(FILE);
    second.plane.connector.broken.add('10.0.3.2');
    // It was still to be proven when the first director ended.
    await vi.waitFor(() => expect(second.plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.5.2 w100']));
    const before = second.plane.tables.length;
    await second.director.revert();
    expect(second.plane.tables[before]?.services[0]?.reals).toMatchObject([
      { serving: false },
      { weight: 0 },
    ]);

    await second.director.apply(withReals(second, { address: '10.0.5.2' }), { confirmMs: LATE });
    await second.director.confirm();
    // The service was without its quorum: this one had to prove itself.
    await vi.waitFor(() => expect(second.plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.5.2 w100']));
    const tables = second.plane.tables.length;
    await second.director.apply(withReals(second, ...both));
    expect(second.plane.tables[tables]?.services[0]?.reals).toMatchObject([
      { serving: true },
      { weight: 50 },
    ]);
  });

  test('a real that the plane has as failed is failed, and the hash key the same, when the state is lost', async () => {
    const memory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 8 });
    const first = await machine.start(FILE, new ImagePlane(memory));
    first.plane.connector.broken.add('10.0.3.2');
    await vi.waitFor(() => expect(first.plane.forwarding()).toEqual(DOWN));
    await first.director.close();
    await rm(machine.stateFile);
    const second = await machine.start(FILE, new ImagePlane(memory));
    expect(second.plane.tables[0]?.services[0]?.reals[0]?.serving).toBe(false);
    expect(second.plane.tables[0]?.hashKey).toEqual(first.plane.tables[0]?.hashKey);
    await vi.waitFor(() => expect(second.plane.forwarding()).toEqual(BOTH));
  });
});

function many(weight: number): string {
  const reals = (port: number): string =>
    `{address: 10.0.3.2, weight: ${port === 87 ? weight : 9}}, {address: 10.0.4.2}`;
  const services = Array.from({ length: 20 }, (_, i) => web(reals(80 + i), 80 + i));
  return config(services.join(''), undefined, 'check: none');
}

test('what a reload does not change is not touched: not a byte of the image', async () => {
  const memory = allocateImageMemory({ slots: 1 << 17, flows: 1 << 8 });
  const run = await machine.start(many(1), new ImagePlane(memory));
  const parts = ['settings', 'services', 'reals', 'slots', 'flows', 'flowCounts', 'cursors'] as const;
  const before = new Map(parts.map((part) => [part, Buffer.from(memory[part].slice())]));
  machine.text = many(2);
  expect(await run.director.reload()).toMatchObject({ servicesChanged: 1, realsChanged: 1 });
  const changed = parts.map((part) => {
    const now = new Uint8Array(memory[part]);
    const offsets: number[] = [];
    for (let at = 0; at < now.length; at++) if (now[at] !== before.get(part)?.[at]) offsets.push(at);
    return [part, offsets] as const;
  });
  const entry = run.plane.image.findService(WEB.vip, 87, 'tcp');
  const { firstSlot = 0, slotCount = 0 } = entry ?? {};
  const { slots = [], ...others } = Object.fromEntries(changed.filter(([, offsets]) => offsets.length > 0));
  const real = entry?.reals.get(ipv4('10.0.3.2')) ?? 0;
  expect(others).toEqual({ reals: [real * REAL_LAYOUT.size + REAL_LAYOUT.weight] });
  expect(slots.length).toBeGreaterThan(0);
  expect(slots.filter((at) => at < 4 * firstSlot || at >= 4 * (firstSlot + slotCount))).toEqual([]);
});
