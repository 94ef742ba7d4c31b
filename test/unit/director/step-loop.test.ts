import { expect, test, vi } from 'vitest';
import type { EventDraft } from '../../../src/director/step/input.ts';
import { StepLoop } from '../../../src/director/step-loop.ts';
import { CulvertError } from '../../../src/errors.ts';
import type { ForwardingTable } from '../../../src/forwarding/forwarding-table.ts';
import type { ApplySummary } from '../../../src/forwarding/image/change/apply-run.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { config, web } from './machine.ts';
import { begin, results } from './worlds.ts';

const NUMBERS = Array.from({ length: 50 }, (_, index) => index + 1);
const reals = NUMBERS.map((number) => `{address: 10.0.3.${number}}`).join(', ');

/** A loop over a plane that notes its tables, and refuses those that `refuses` says. */
function start(refuses: (table: ForwardingTable) => boolean = () => false): {
  loop: StepLoop;
  tables: ForwardingTable[];
  events: EventDraft[];
} {
  const tables: ForwardingTable[] = [];
  const events: EventDraft[] = [];
  const apply = async (table: ForwardingTable): Promise<ApplySummary> => {
    if (refuses(table)) throw new CulvertError('CAPACITY', 'no slots left');
    tables.push(table);
    return {} as ApplySummary;
  };
  const loop = new StepLoop(begin(config(web(reals))), {
    plane: { apply },
    now: () => 0,
    signal: new AbortController().signal,
    onResult: (result) => events.push(...result.events),
  });
  return { loop, tables, events };
}

const drain = (loop: StepLoop, number: number): Promise<void> =>
  loop.require({
    kind: 'override',
    selector: { address: ip(`10.0.3.${number}`) },
    change: { weight: number },
  });

const weights = ({ services }: ForwardingTable): (number | undefined)[] =>
  services[0]?.reals.map(({ weight }) => weight) ?? [];

test('many changes at hand are one table', async () => {
  const { loop, tables } = start();
  await Promise.all(NUMBERS.map((number) => drain(loop, number)));
  expect(tables).toHaveLength(1);
  expect(weights(loop.world.table)).toEqual(NUMBERS);
});

test('of many changes at hand those are made that the plane does not refuse, and whose real is there', async () => {
  const { loop, events } = start((table) => weights(table)[6] === 7);
  const settled = await Promise.allSettled([...NUMBERS, 99].map((number) => drain(loop, number)));
  const refused = settled.flatMap(({ status }, index) => (status === 'rejected' ? [index + 1] : []));
  expect(refused).toEqual([7, 51]);
  expect(weights(loop.world.table)).toEqual(NUMBERS.map((number) => (number === 7 ? 100 : number)));
  expect(events.filter(({ type }) => type === 'weight')).toHaveLength(49);
});

test('results of checks at hand are one table, and those that come while the plane is busy the next', async () => {
  const { loop, tables } = start();
  for (const number of NUMBERS) loop.note(results(loop.world, [`10.0.3.${number}`]));
  loop.note(
    results(
      loop.world,
      NUMBERS.map((number) => `10.0.3.${number}`),
    ),
  );
  await loop.idle();
  expect(tables).toHaveLength(1);
  expect(loop.world.services[0]).toMatchObject({ weight: 0, quorum: 'lost' });
});

test('what is found holds although the plane refuses it, and is tried again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let refuses = true;
  const { loop, tables, events } = start(() => refuses);
  loop.note(results(loop.world, ['10.0.3.1']));
  await loop.idle();
  expect(events.map(({ type }) => type)).toEqual(['real-down', 'apply-failed']);
  expect(loop.world.services[0]?.reals[0]?.health?.up).toBe(false);
  refuses = false;
  vi.advanceTimersByTime(1000);
  await loop.idle();
  expect(tables).toEqual([loop.world.table]);
  vi.useRealTimers();
});
