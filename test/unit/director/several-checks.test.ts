import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HealthStatus } from '../../../src/director/control.ts';
import { config, eventTypes, Machine, type Run, web } from './machine.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.create();
});
afterEach(() => machine.destroy());

const FAST = 'check: {interval: 20ms, timeout: 5s, retries: 0, retryDelay: 5ms}';
const inDirectory = (name: string): string => join(machine.directory, name);
const say = (name: string, text: string): void => writeFileSync(inDirectory(name), text);

/** A check whose command ends so. */
const misc = (status: number): string => `{type: misc, command: [sh, -c, 'exit ${status}'], dynamic: true}`;

/** A real with a check of its port and one of a file each. */
function checked(...files: readonly string[]): string {
  const list = files.map((name) => `{type: file, file: ${inDirectory(name)}}`).join(', ');
  return config(web(`{address: 10.0.3.2, checks: [tcp, ${list}]}`), undefined, FAST);
}

async function healthIn(run: Run): Promise<HealthStatus> {
  const [real] = (await run.director.status()).services[0]?.reals ?? [];
  if (real === undefined) throw new RangeError('no real');
  return real.health;
}

const states = ({ checks }: HealthStatus): string[] => checks.map(({ type, state }) => `${type} ${state}`);

test('all have to pass, and it is told which one does not', async () => {
  const run = await machine.start(checked('ready'));
  expect(run.plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.3.2 w100']);
  say('ready', '1');
  await vi.waitFor(() => expect(run.plane.forwarding()[0]).toMatch(/ -$/));
  const one = await healthIn(run);
  expect(one).toMatchObject({
    state: 'down',
    lastError: expect.stringMatching(/^file: .*ready contains 1$/),
  });
  expect(states(one)).toEqual(['tcp up', 'file down']);

  run.plane.connector.broken.add('10.0.3.2');
  await vi.waitFor(() => expect(eventTypes(run)).toContain('check-down'));
  expect(run.events.after(0).at(-1)?.message).toBe(
    '10.0.3.2 of tcp 192.0.2.10:80 stays down: its tcp check fails too: connection refused',
  );
  say('ready', '0');
  await vi.waitFor(() => expect(eventTypes(run)).toContain('check-up'));
  expect(await healthIn(run)).toMatchObject({ state: 'down', lastError: 'tcp: connection refused' });
  expect(run.plane.forwarding()[0]).toMatch(/ -$/);

  run.plane.connector.broken.clear();
  await vi.waitFor(() => expect(run.plane.forwarding()[0]).not.toMatch(/ -$/));
  expect(eventTypes(run).filter((type) => !type.startsWith('quorum'))).toEqual([
    'start',
    'real-down',
    'check-down',
    'check-up',
    'real-up',
  ]);
  expect(await healthIn(run)).toMatchObject({ state: 'up', lastError: undefined });
});

test('what several checks make of the weight adds up, as with keepalived', async () => {
  say('load', '-7');
  const file = `{type: file, file: ${inDirectory('load')}, weight: 2}`;
  const reals = `{address: 10.0.3.2, weight: 50, checks: [${misc(42)}, ${misc(62)}, ${file}]}`;
  const run = await machine.start(config(web(reals), undefined, FAST));
  await vi.waitFor(() => expect(run.plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.3.2 w36']));
  expect((await healthIn(run)).weight).toBe(50 + (40 - 50) + (60 - 50) - 14);
});

test('a reload that takes the failed check away leaves what the others have found', async () => {
  const run = await machine.start(checked('a', 'b'));
  say('a', '1');
  await vi.waitFor(() => expect(run.plane.forwarding()[0]).toMatch(/ -$/));
  machine.text = checked('b');
  await run.director.reload();
  expect(run.plane.forwarding()).toEqual(['tcp 192.0.2.10:80 10.0.3.2 w100']);
});

test('a check that is new to a failed real has it out until both have passed', async () => {
  say('a', '1');
  const run = await machine.start(checked('a'));
  await vi.waitFor(() => expect(run.plane.forwarding()[0]).toMatch(/ -$/));
  machine.text = checked('a', 'b');
  await run.director.reload();
  expect((await healthIn(run)).checks).toHaveLength(3);
  expect(run.plane.forwarding()[0]).toMatch(/ -$/);
  say('a', '0');
  await vi.waitFor(() => expect(run.plane.forwarding()[0]).not.toMatch(/ -$/));
});

test('a check that is listed twice is one', async () => {
  const run = await machine.start(config(web('{address: 10.0.3.2, checks: [tcp, tcp]}'), undefined, FAST));
  expect(states(await healthIn(run))).toEqual(['tcp up']);
});
