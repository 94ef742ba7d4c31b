import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { ImagePlane } from './image-plane.ts';
import { config, eventTypes, Machine, REAL, TWO, WEB, web } from './machine.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.create();
});
afterEach(() => machine.destroy());

describe('start', () => {
  test('brings the plane to the configuration', async () => {
    const run = await machine.start(config(web(TWO)));
    expect(run.plane.forwarding()).toEqual([
      'tcp 192.0.2.10:80 10.0.3.2 w100',
      'tcp 192.0.2.10:80 10.0.4.2 w50',
    ]);
    const status = await run.director.status();
    expect(status).toMatchObject({ instance: 'eth0', interface: 'eth0', configPath: 'culvert.yaml' });
    expect(status.services[0]?.key).toEqual(WEB);
    expect(status.services[0]?.reals[1]).toMatchObject({
      configuredWeight: 50,
      override: undefined,
      effectiveWeight: 50,
      health: { state: 'up', failures: 0, lastError: undefined },
    });
    expect(eventTypes(run)).toEqual(['start']);
  });

  test('is refused on a host that the configuration does not fit', async () => {
    const plane = new ImagePlane();
    await expect(machine.start(config(web(TWO)), plane, { interfaces: ['lo'] })).rejects.toThrow(
      /^culvert\.yaml:1:23: .*eth0/,
    );
    expect(plane.tables).toEqual([]);
  });

  test('takes the hash key from the seed, else keeps the one it made', async () => {
    const seed = '000102030405060708090a0b0c0d0e0f';
    const seeded = await machine.start(config(web(TWO), `interface: eth0, hashSeed: "${seed}"`));
    expect(Buffer.from(seeded.plane.tables[0]?.hashKey ?? []).toString('hex')).toBe(seed);
    await seeded.director.remove();
    const made = await machine.start(config(web(TWO)));
    await made.director.close();
    const again = await machine.start(config(web(TWO)));
    expect(made.plane.tables[0]?.hashKey).not.toEqual(seeded.plane.tables[0]?.hashKey);
    expect(again.plane.tables[0]?.hashKey).toEqual(made.plane.tables[0]?.hashKey);
  });

  test('with a damaged state file says so and goes on', async () => {
    await writeFile(machine.stateFile, '{"version": 1, "hashKey": "zz"}');
    const run = await machine.start(config(web(TWO)));
    expect(eventTypes(run)).toEqual(['state-lost', 'start']);
    expect(await readFile(`${machine.stateFile}.damaged`, 'utf8')).toContain('zz');
  });
});

describe('health', () => {
  test('takes a real out at once when its check says so, and back', async () => {
    const run = await machine.start(config(web(TWO)));
    run.plane.connector.broken.add('10.0.3.2');
    const down = ['tcp 192.0.2.10:80 10.0.3.2 w100 -', 'tcp 192.0.2.10:80 10.0.4.2 w50'];
    await vi.waitFor(() => expect(run.plane.forwarding()).toEqual(down), { interval: 1 });
    const [real] = (await run.director.status()).services[0]?.reals ?? [];
    expect(real).toMatchObject({
      configuredWeight: 100,
      effectiveWeight: 0,
      health: { state: 'down', lastError: 'connection refused' },
    });
    expect(run.events.after(0).at(-1)).toMatchObject({
      level: 'warning',
      type: 'real-down',
      message: '10.0.3.2 of tcp 192.0.2.10:80 is down: connection refused (1 failed attempt)',
    });
    run.plane.connector.broken.clear();
    await vi.waitFor(() => expect(run.plane.forwarding()).not.toEqual(down), { interval: 1 });
    expect(eventTypes(run)).toEqual(['start', 'real-down', 'real-up']);
  });

  test('since when is told the same each time it is asked', async () => {
    const run = await machine.start(config(web(TWO)));
    run.plane.connector.broken.add('10.0.3.2');
    const sinces = new Set<string>();
    const sinceOf = async (): Promise<string | undefined> => {
      const { health } = (await run.director.status()).services[0]?.reals[0] ?? {};
      return health?.state === 'down' ? health.since : undefined;
    };
    await vi.waitFor(async () => expect(await sinceOf()).toBeDefined(), { interval: 1 });
    for (let round = 0; round < 200; round++) {
      sinces.add((await sinceOf()) ?? 'up');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect([...sinces]).toHaveLength(1);
  });

  test('a real that is not checked is up whatever happens', async () => {
    const run = await machine.start(config(web('{address: 10.0.3.2, check: none}')));
    run.plane.connector.broken.add('10.0.3.2');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(run.plane.connector.attempts).toEqual([]);
    const [real] = (await run.director.status()).services[0]?.reals ?? [];
    expect(real?.health.state).toBe('unchecked');
    expect(Date.parse(real?.health.since ?? '')).toBeLessThanOrEqual(Date.now());
  });

  test('one check serves all reals that are checked alike', async () => {
    // So long that a second attempt cannot come before the outcome of the first is looked at.
    const slow = 'check: {interval: 1m, warmup: 0s, retries: 0, via: direct, port: 8080}';
    const services = web('{address: 10.0.3.2}') + web('{address: 10.0.3.2}', 443);
    const plane = new ImagePlane();
    plane.connector.broken.add('10.0.3.2');
    const run = await machine.start(config(services, undefined, slow), plane);
    await vi.waitFor(() => expect(plane.forwarding().every((line) => line.endsWith(' -'))).toBe(true));
    expect(plane.connector.attempts).toEqual(['direct 10.0.3.2:8080']);
    expect(eventTypes(run).filter((type) => type === 'real-down')).toHaveLength(2);
  });

  test('a failed real is out from the start of the next run, until a check has passed', async () => {
    const first = await machine.start(config(web(TWO)));
    first.plane.connector.broken.add('10.0.3.2');
    await vi.waitFor(() => expect(eventTypes(first)).toContain('real-down'));
    const { since } = (await first.director.status()).services[0]?.reals[0]?.health ?? {};
    await first.director.close();

    const plane = new ImagePlane();
    plane.connector.broken.add('10.0.3.2');
    const second = await machine.start(config(web(TWO)), plane);
    expect(plane.tables[0]?.services[0]?.reals[0]?.serving).toBe(false);
    const health = (await second.director.status()).services[0]?.reals[0]?.health;
    expect(health).toMatchObject({ state: 'down', lastError: 'connection refused' });
    expect(Math.abs(Date.parse(health?.since ?? '') - Date.parse(since ?? ''))).toBeLessThan(5);
    plane.connector.broken.clear();
    await vi.waitFor(() => expect(eventTypes(second)).toContain('real-up'));
  });

  test('what the plane does not take is told and tried again', async () => {
    const run = await machine.start(config(web(TWO)));
    run.plane.refusal = new Error('map is full');
    run.plane.connector.broken.add('10.0.3.2');
    await vi.waitFor(() => expect(eventTypes(run)).toContain('apply-failed'));
    run.plane.refusal = undefined;
    await vi.waitFor(() => expect(run.plane.forwarding()[0]).toMatch(/ -$/));
  });
});

test('changes that come while the plane is busy are applied together', async () => {
  const { director, plane } = await machine.start(config(web(TWO)));
  const gate = Promise.withResolvers<void>();
  plane.gate = gate.promise;
  const changes = [1, 2, 3, 4].map((weight) => director.setWeight({ address: REAL }, weight));
  await new Promise((resolve) => setTimeout(resolve, 10));
  changes.push(director.setWeight({ address: REAL }, 5), director.setWeight({ address: REAL }, 6));
  gate.resolve();
  await Promise.all(changes);
  expect(plane.forwarding()[0]).toBe('tcp 192.0.2.10:80 10.0.3.2 w6');
  expect(plane.tables).toHaveLength(3);
});

test('one weight among a thousand services leaves the others the same objects, and the image touches one', async () => {
  const services = Array.from({ length: 1000 }, (_, index) => {
    const reals = [2, 3].map((host) => `{address: 10.${index >> 8}.${index & 255}.${host}}`).join(', ');
    return `  - {vip: 192.0.${index >> 8}.${index & 255}, port: 80, scheduler: wrr, reals: [${reals}]}\n`;
  }).join('');
  const { director, plane } = await machine.start(config(services, undefined, 'check: none'));
  await director.setWeight({ address: ipv4('10.1.2.3') }, 50);
  const [before, after] = plane.tables;
  const different = after?.services.filter((one, index) => one !== before?.services[index]) ?? [];
  expect(different.map((one) => one.reals.map((real) => real.weight))).toEqual([[100, 50]]);
  expect(plane.summaries[1]).toMatchObject({
    services: { added: 0, changed: 1, removed: 0 },
    reals: { added: 0, changed: 1, removed: 0 },
  });
});

test('what the plane tells becomes events', async () => {
  const run = await machine.start(config(web(TWO)));
  const record = run.planeEvents.listener;
  record({ type: 'blackhole-cured', service: WEB, client: ipv4('198.51.100.7'), clientPort: 40_000 });
  record({ type: 'next-hop', real: REAL, resolved: false, detail: 'no answer to ARP' });
  record({ type: 'warning', message: 'generic mode' });
  await vi.waitFor(() => expect(run.director.events(1)).toHaveLength(3));
  expect(run.director.events(1).map(({ type, level, message }) => `${level} ${type}: ${message}`)).toEqual([
    'warning blackhole-cured: ICMP does not reach client 198.51.100.7:40000 of tcp 192.0.2.10:80: its oversize packets are now forwarded in outer fragments',
    'warning next-hop: the next hop to 10.0.3.2 is unknown: no answer to ARP',
    'warning plane: generic mode',
  ]);
});

describe('the end', () => {
  test('close leaves the plane forwarding and the state on disk', async () => {
    const { director, plane } = await machine.start(config(web(TWO)));
    await director.close();
    expect(plane.ended).toBe('closed');
    const attempts = plane.connector.attempts.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(plane.connector.attempts).toHaveLength(attempts);
    expect(await readFile(machine.stateFile, 'utf8')).toContain('hashKey');
  });

  test('remove leaves nothing', async () => {
    const { director, plane } = await machine.start(config(web(TWO)));
    await director.remove();
    await director.close();
    expect(plane.ended).toBe('removed');
    await expect(readFile(machine.stateFile)).rejects.toThrow('ENOENT');
  });
});
