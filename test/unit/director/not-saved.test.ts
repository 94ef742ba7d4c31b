import { mkdirSync, rmSync, statSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { config, eventTypes, Machine, REAL, TWO, web } from './machine.ts';

let machine: Machine;

beforeEach(async () => {
  machine = await Machine.create();
});

afterEach(async () => {
  await machine.destroy();
});

/** What a full disk or a file system that cannot be written does: root could write to any mode. */
function obstruct(path: string): void {
  rmSync(path, { force: true });
  mkdirSync(`${path}.new`);
}

function clear(path: string): void {
  rmSync(`${path}.new`, { recursive: true });
}

test('a weight that could not be saved is in force, and its answer says that it is not saved', async () => {
  const run = await machine.start(config(web(TWO)));
  obstruct(machine.stateFile);
  await expect(run.director.setWeight({ address: REAL }, 7)).rejects.toMatchObject({
    code: 'NOT_SAVED',
    message: expect.stringMatching(/^the change is in force, but the state is not saved .*fix: /),
  });
  await expect(run.director.drain({ address: REAL })).rejects.toMatchObject({ code: 'NOT_SAVED' });
  expect((await run.director.status()).services[0]?.reals[0]).toMatchObject({ override: 7, drained: true });
  expect(eventTypes(run).filter((type) => type === 'state-not-saved')).toHaveLength(1);
  clear(machine.stateFile);
  await run.director.setWeight({ address: REAL }, 8);
  expect(statSync(machine.stateFile).isFile()).toBe(true);
  expect(eventTypes(run)).toContain('state-saved');
});

test('an apply that could not be saved is in force, and no failed one', async () => {
  const run = await machine.start(config(web(TWO)));
  const { config: document } = run.director.config();
  const services = document.services as readonly object[];
  obstruct(machine.appliedFile);
  const changed = { ...document, services: services.map((one) => ({ ...one, scheduler: 'rr' })) };
  await expect(run.director.apply(changed)).rejects.toMatchObject({ code: 'NOT_SAVED' });
  expect((await run.director.status()).services[0]?.scheduler).toBe('rr');
  expect(eventTypes(run)).toContain('apply');
  expect(eventTypes(run)).not.toContain('apply-failed');
  clear(machine.appliedFile);
  await run.director.apply(changed);
  expect(statSync(machine.appliedFile).isFile()).toBe(true);
});
