import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { config, eventTypes, Machine, type Run } from './machine.ts';

let machine: Machine;
beforeEach(async () => {
  machine = await Machine.create();
});
afterEach(() => machine.destroy());

/** Nobody asks the connector for these but by a check. */
const SLOW = 'check: {interval: 1h, warmup: 1h, timeout: 1s, retries: 0}';
const FAST = 'check: {interval: 20ms, timeout: 1s, retries: 0, retryDelay: 5ms}';
const SORRY = 'sorryServer: {address: 10.0.9.9}';

const service = (reals: readonly string[], { port = 80, sorry = SORRY, checks = FAST } = {}): string =>
  config(
    `  - {vip: 192.0.2.10, port: ${port}, ${sorry}, reals: [${reals.map((address) => `{address: ${address}}`).join(', ')}]}\n`,
    'interface: eth0',
    checks,
  );

/** Who serves now: `10.0.3.2 10.0.9.9`. */
function serving({ plane }: Run): string {
  const lines = plane.forwarding().map((line) => line.split(' ').slice(2));
  return lines.flatMap(([address, , off]) => (off === undefined ? [address] : [])).join(' ');
}

async function failAll(run: Run): Promise<void> {
  run.plane.connector.broken.add('10.0.3.2');
  await vi.waitFor(() => expect(serving(run)).toBe('10.0.9.9'));
}

describe('while the sorry server serves', () => {
  test('a real that a reload adds is down until its check has passed', async () => {
    const run = await machine.start(service(['10.0.3.2']));
    await failAll(run);
    run.plane.connector.broken.add('10.0.4.2');
    machine.text = service(['10.0.3.2', '10.0.4.2']);
    await run.director.reload();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(serving(run)).toBe('10.0.9.9');
    expect(eventTypes(run).filter((type) => type === 'quorum-up')).toHaveLength(0);
    run.plane.connector.broken.delete('10.0.4.2');
    await vi.waitFor(() => expect(serving(run)).toBe('10.0.4.2'));
  });

  test('its first check does not wait for its place in the warmup', async () => {
    const run = await machine.start(service(['10.0.3.2']));
    await failAll(run);
    machine.text = service(['10.0.3.2', '10.0.4.2', '10.0.5.2'], { checks: SLOW });
    await run.director.reload();
    expect(serving(run)).toBe('10.0.9.9');
    await vi.waitFor(() => expect(serving(run)).toContain('10.0.4.2'), 5000);
  });

  test('a service under another name takes its failed reals along', async () => {
    const run = await machine.start(service(['10.0.3.2']));
    await failAll(run);
    machine.text = service(['10.0.3.2'], { port: 81 });
    await run.director.reload();
    expect(serving(run)).toBe('10.0.9.9');
  });

  test.each(['kept', 'lost'])('so it is after a restart with its state %s', async (state) => {
    const run = await machine.start(service(['10.0.3.2']));
    await failAll(run);
    await run.director.close();
    if (state === 'lost') rmSync(machine.stateFile);
    run.plane.connector.broken.add('10.0.4.2');
    const again = await machine.start(service(['10.0.3.2', '10.0.4.2']), run.plane);
    expect(serving(again)).toBe('10.0.9.9');
  });
});

test('a real that is added to a service that works serves at once', async () => {
  const run = await machine.start(service(['10.0.3.2'], { checks: SLOW }));
  machine.text = service(['10.0.3.2', '10.0.4.2'], { checks: SLOW });
  await run.director.reload();
  expect(serving(run)).toBe('10.0.3.2 10.0.4.2');
});
