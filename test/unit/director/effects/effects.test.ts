import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CulvertError } from '../../../../src/errors.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { ImagePlane } from '../image-plane.ts';
import { config, eventTypes, FAST, Machine, REAL, type Run, TWO } from '../machine.ts';

/** Everything tells, in one file: who, what of whom, and why. */
const TELL =
  'onUp: {shell: *say}, onDown: {shell: *say}, onQuorumUp: {shell: *say}, onQuorumDown: {shell: *say}';
const SORRY = 'sorryServer: {address: 10.0.9.9}';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.create();
});
afterEach(() => machine.destroy());

/** A configuration in which every transition writes a line. */
function telling(service: string, defaults = FAST): string {
  const file = join(machine.directory, 'told');
  const say = `'echo "\${CULVERT_REAL:-quorum} $CULVERT_STATE $CULVERT_WEIGHT $CULVERT_REASON" >> ${file}'`;
  const services = `  - {vip: 192.0.2.10, port: 80, ${service}}\n`;
  return config(services, 'interface: eth0', `${defaults}, ${TELL.replace('*say', `&say ${say}`)}`);
}

async function told(): Promise<string[]> {
  const text = await readFile(join(machine.directory, 'told'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.trimEnd());
}

const until = (expected: string[]): Promise<void> =>
  vi.waitFor(async () => expect((await told()).toSorted()).toEqual(expected.toSorted()));
const untilForwarding = ({ plane }: Run, expected: string[]): Promise<void> =>
  vi.waitFor(() => expect(plane.forwarding().map(brief)).toEqual(expected));
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

/** `10.0.3.2 w100` */
function brief(line: string): string {
  return line.split(' ').slice(2).join(' ');
}

const GONE = '10.0.3.2 down 100 connection refused';
const GONE_TOO = '10.0.4.2 down 50 connection refused';

describe('a service whose reals all fail', () => {
  test('falls to its sorry server and returns; each turn is told once', async () => {
    const run = await machine.start(telling(`${SORRY}, reals: [${TWO}]`));
    await until(['quorum up 150']);
    expect(run.plane.forwarding().map(brief)).toEqual(['10.0.3.2 w100', '10.0.4.2 w50', '10.0.9.9 w100 -']);
    run.plane.connector.broken.add('10.0.3.2');
    await until(['quorum up 150', GONE]);
    run.plane.connector.broken.add('10.0.4.2');
    await untilForwarding(run, ['10.0.3.2 w100 -', '10.0.4.2 w50 -', '10.0.9.9 w100']);
    await until(['quorum up 150', GONE, GONE_TOO, 'quorum down 0']);
    const [service] = (await run.director.status()).services;
    expect(service?.quorum).toEqual({ state: 'lost', weight: 0, quorum: 1, hysteresis: 0 });
    expect(service?.sorryServer).toMatchObject({ serving: true, weight: 100 });
    run.plane.connector.broken.delete('10.0.4.2');
    await untilForwarding(run, ['10.0.3.2 w100 -', '10.0.4.2 w50', '10.0.9.9 w100 -']);
    await until(['quorum up 150', GONE, GONE_TOO, 'quorum down 0', '10.0.4.2 up 50', 'quorum up 50']);
    const words = run.events.after(0).filter(({ type }) => type.startsWith('quorum'));
    expect(words.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warning: tcp 192.0.2.10:80 lost its quorum: healthy weight 0 is below 1; sorry server 10.0.9.9 serves instead of the reals',
      'info: tcp 192.0.2.10:80 has its quorum: healthy weight 50 is at least 1; the reals serve instead of sorry server 10.0.9.9',
    ]);
  });

  test('keeps the flows of those that are inhibited, and says so', async () => {
    const run = await machine.start(
      config(`  - {vip: 192.0.2.10, port: 80, inhibitOnFailure: true, reals: [${TWO}]}\n`),
    );
    run.plane.connector.broken.add('10.0.3.2');
    await untilForwarding(run, ['10.0.3.2 w0', '10.0.4.2 w50']);
    const [real] = (await run.director.status()).services[0]?.reals ?? [];
    expect(real).toMatchObject({ effectiveWeight: 0, serving: true, health: { state: 'down' } });
    run.plane.connector.broken.clear();
    await untilForwarding(run, ['10.0.3.2 w100', '10.0.4.2 w50']);
  });
});

test('draining all reals moves a service to its sorry server', async () => {
  const run = await machine.start(telling(`${SORRY}, reals: [{address: 10.0.3.2}]`));
  await run.director.drain({ address: REAL });
  expect(run.plane.forwarding().map(brief)).toEqual(['10.0.3.2 w0', '10.0.9.9 w100']);
  await run.director.undrain({ address: REAL });
  expect(run.plane.forwarding().map(brief)).toEqual(['10.0.3.2 w100', '10.0.9.9 w100 -']);
  await until(['quorum up 100', 'quorum down 0', 'quorum up 100']);
});

test('commands wait until the plane has taken what they tell of', async () => {
  const run = await machine.start(telling(`${SORRY}, reals: [{address: 10.0.3.2}]`));
  await until(['quorum up 100']);
  const gate = Promise.withResolvers<void>();
  run.plane.gate = gate.promise;
  run.plane.connector.broken.add('10.0.3.2');
  await vi.waitFor(() => expect(eventTypes(run)).toContain('quorum-lost'));
  await settled();
  expect(await told()).toEqual(['quorum up 100']);
  gate.resolve();
  await until(['quorum up 100', GONE, 'quorum down 0']);
});

test('a hysteresis keeps a service where it is', async () => {
  const reals =
    '{address: 10.0.3.2, weight: 3}, {address: 10.0.4.2, weight: 3}, {address: 10.0.5.2, weight: 3}';
  const run = await machine.start(telling(`quorum: 6, hysteresis: 2, ${SORRY}, reals: [${reals}]`));
  const [first, second] = [{ address: REAL }, { address: ipv4('10.0.4.2') }];
  await run.director.drain(first);
  expect(run.plane.forwarding().at(-1)).toMatch(/10.0.9.9 w100 -$/);
  await run.director.drain(second);
  expect(run.plane.forwarding().at(-1)).toMatch(/10.0.9.9 w100$/);
  await run.director.undrain(first);
  expect(run.plane.forwarding().map(brief)).toEqual([
    '10.0.3.2 w3 -',
    '10.0.4.2 w0',
    '10.0.5.2 w3 -',
    '10.0.9.9 w100',
  ]);
  await run.director.undrain(second);
  expect(run.plane.forwarding().at(-1)).toMatch(/10.0.9.9 w100 -$/);
  await until(['quorum up 9', 'quorum down 3', 'quorum up 9']);
});

describe('a start', () => {
  const ALPHA = FAST.replace('}', ', alpha: true}');

  test('in which reals have to prove themselves begins with the sorry server', async () => {
    const run = await machine.start(telling(`${SORRY}, reals: [{address: 10.0.3.2}]`, ALPHA));
    expect(run.plane.tables[0]?.services[0]?.reals.map(({ serving }) => serving)).toEqual([false, true]);
    await until(['quorum down 0', '10.0.3.2 up 100', 'quorum up 100']);
  });

  test('says of one that was presumed to be down when it is', async () => {
    const plane = new ImagePlane();
    plane.connector.broken.add('10.0.3.2');
    await machine.start(telling('reals: [{address: 10.0.3.2}]', ALPHA), plane);
    await until([GONE]);
    await settled();
    expect(await told()).toEqual([GONE]);
  });

  test('says so once of a real with two checks', async () => {
    const plane = new ImagePlane();
    plane.connector.broken.add('10.0.3.2');
    const checks = 'checks: [{port: 81, alpha: true}, {port: 82, alpha: true}]';
    const run = await machine.start(telling(`reals: [{address: 10.0.3.2, ${checks}}]`), plane);
    const twoErrors = async (): Promise<void> => {
      const [service] = (await run.director.status()).services;
      const found = service?.reals[0]?.health.checks.map(({ lastError }) => lastError);
      expect(found).toEqual(['connection refused', 'connection refused']);
    };
    await vi.waitFor(twoErrors);
    await settled();
    expect(await told()).toEqual([GONE.replace('connection', 'tcp: connection')]);
    plane.connector.broken.clear();
    await until(['10.0.3.2 down 100 tcp: connection refused', '10.0.3.2 up 100', 'quorum up 100']);
  });

  test('that takes over what forwards tells nothing again', async () => {
    const text = telling(`${SORRY}, reals: [${TWO}]`, ALPHA);
    const memory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 8 });
    const first = await machine.start(text, new ImagePlane(memory));
    await untilForwarding(first, ['10.0.3.2 w100', '10.0.4.2 w50', '10.0.9.9 w100 -']);
    first.plane.connector.broken.add('10.0.3.2').add('10.0.4.2');
    await untilForwarding(first, ['10.0.3.2 w100 -', '10.0.4.2 w50 -', '10.0.9.9 w100']);
    await first.director.close();
    const before = await told();
    expect(before).toContain('quorum down 0');
    const plane = new ImagePlane(memory);
    plane.connector.broken.add('10.0.3.2').add('10.0.4.2');
    const second = await machine.start(text, plane);
    expect(plane.forwarding().map(brief)).toEqual(['10.0.3.2 w100 -', '10.0.4.2 w50 -', '10.0.9.9 w100']);
    await settled();
    expect(await told()).toEqual(before);
    expect(eventTypes(second)).toEqual(['start']);
    plane.connector.broken.clear();
    await untilForwarding(second, ['10.0.3.2 w100', '10.0.4.2 w50', '10.0.9.9 w100 -']);
    await vi.waitFor(async () => expect(await told()).toHaveLength(before.length + 3));
  });

  test('of a displaced real that was up takes it for up', async () => {
    const text = telling(`quorum: 120, ${SORRY}, reals: [${TWO}]`, ALPHA);
    const memory = allocateImageMemory({ slots: 1 << 16, flows: 1 << 8 });
    const first = await machine.start(text, new ImagePlane(memory));
    await untilForwarding(first, ['10.0.3.2 w100', '10.0.4.2 w50', '10.0.9.9 w100 -']);
    first.plane.connector.broken.add('10.0.4.2');
    await untilForwarding(first, ['10.0.3.2 w100 -', '10.0.4.2 w50 -', '10.0.9.9 w100']);
    await first.director.close();
    const plane = new ImagePlane(memory);
    plane.connector.broken.add('10.0.4.2');
    const { director } = await machine.start(text, plane);
    const states = (await director.status()).services[0]?.reals.map(({ health }) => health.state);
    expect(states).toEqual(['up', 'down']);
  });
});

describe('a reload', () => {
  test('tells of what has left by the commands that it had', async () => {
    const { director } = await machine.start(telling(`reals: [${TWO}]`));
    await until(['quorum up 150']);
    machine.text = telling('reals: [{address: 10.0.4.2, weight: 50, onDown: none}]');
    await director.reload();
    const left = '10.0.3.2 down 100 it is no longer in the configuration';
    await until(['quorum up 150', left]);
    machine.text = config('  []\n');
    await director.reload();
    await until(['quorum up 150', left, 'quorum down 0']);
  });

  test('that asks for another quorum loses and gains it', async () => {
    const run = await machine.start(telling(`${SORRY}, reals: [${TWO}]`));
    run.plane.connector.broken.add('10.0.3.2');
    await until(['quorum up 150', GONE]);
    machine.text = telling(`quorum: 60, ${SORRY}, reals: [${TWO}]`);
    await run.director.reload();
    expect(run.plane.forwarding().map(brief)).toEqual(['10.0.3.2 w100 -', '10.0.4.2 w50 -', '10.0.9.9 w100']);
    await until(['quorum up 150', GONE, 'quorum down 50']);
    machine.text = telling(`quorum: 50, ${SORRY}, reals: [${TWO}]`);
    await run.director.reload();
    expect(run.plane.forwarding().map(brief)).toEqual(['10.0.3.2 w100 -', '10.0.4.2 w50', '10.0.9.9 w100 -']);
    await until(['quorum up 150', GONE, 'quorum down 50', 'quorum up 50']);
  });

  test('that ends the check of a failed real has it turn', async () => {
    const run = await machine.start(telling('reals: [{address: 10.0.3.2}]'));
    run.plane.connector.broken.add('10.0.3.2');
    await until(['quorum up 100', GONE, 'quorum down 0']);
    machine.text = telling('reals: [{address: 10.0.3.2, check: none}]');
    await run.director.reload();
    await until(['quorum up 100', GONE, 'quorum down 0', '10.0.3.2 up 100', 'quorum up 100']);
    expect(eventTypes(run).filter((type) => type !== 'command')).toEqual([
      'start',
      'real-down',
      'quorum-lost',
      'real-up',
      'quorum-up',
      'reload',
    ]);
  });

  test('that fails changes nothing', async () => {
    const run = await machine.start(telling(`${SORRY}, reals: [${TWO}]`));
    await until(['quorum up 150']);
    machine.text = telling(`quorum: 150, ${SORRY}, reals: [{address: 10.0.4.2, weight: 150}]`);
    run.plane.refusal = new CulvertError('CAPACITY', 'no slots left');
    await expect(run.director.reload()).rejects.toMatchObject({ code: 'CAPACITY' });
    run.plane.refusal = undefined;
    await settled();
    expect(await told()).toEqual(['quorum up 150']);
    expect((await run.director.status()).services[0]?.quorum).toMatchObject({ state: 'up', quorum: 1 });
  });
});

test('whatever a check has read, its command is run', async () => {
  const loud = String.raw`check: {type: misc, shell: 'printf "a\\000\\033[2Jb"; exit 1', interval: 50ms, timeout: 30s}`;
  await machine.start(telling(`check: none, reals: [{address: 10.0.3.2, ${loud}}]`));
  await until(['quorum up 100', '10.0.3.2 down 100 exit status 1: a\ufffd\ufffd[2Jb', 'quorum down 0']);
});

test('a user that does not exist is told at once', async () => {
  const onDown = 'onDown: {shell: "true", user: no-such-user}';
  const check = 'check: {type: misc, command: ["true"], interval: 1h, warmup: 1h, user: nobody-here}';
  const reals = `reals: [{address: 10.0.3.2, ${onDown}}, {address: 10.0.4.2, ${onDown}, ${check}}]`;
  const run = await machine.start(config(`  - {vip: 192.0.2.10, port: 80, ${reals}}\n`));
  const faults = run.events.after(0).filter(({ type }) => type === 'command');
  expect(faults.map(({ message }) => message)).toEqual([
    "commands or checks cannot be run: there is no user 'no-such-user' in /etc/passwd",
    "commands or checks cannot be run: there is no user 'nobody-here' in /etc/passwd",
  ]);
});

describe('the end of forwarding', () => {
  const LEFT = '10.0.3.2 down 100 forwarding ends';

  test('is told where that is asked for, of what was up', async () => {
    const { director, plane } = await machine.start(telling(`omega: true, reals: [${TWO}]`));
    plane.connector.broken.add('10.0.4.2');
    await until(['quorum up 150', GONE_TOO]);
    await director.remove();
    expect((await told()).toSorted()).toEqual(['quorum up 150', GONE_TOO, LEFT, 'quorum down 0'].toSorted());
  });

  test('is not told otherwise', async () => {
    const { director } = await machine.start(telling(`reals: [${TWO}]`));
    await until(['quorum up 150']);
    await director.remove();
    expect(await told()).toEqual(['quorum up 150']);
  });
});
