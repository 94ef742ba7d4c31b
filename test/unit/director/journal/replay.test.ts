/** A real director with a real journal, and what a replay of it gives. */
import { setTimeout as pass } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readJournal } from '../../../../src/director/journal/read-journal.ts';
import { type KnownMoment, replay } from '../../../../src/director/journal/replay.ts';
import type { World } from '../../../../src/director/world/world.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { quickOrLong } from '../../../long.ts';
import { ImagePlane } from '../image-plane.ts';
import { Machine, type Run, type Seen } from '../machine.ts';
import { anyNumber, anySpec, type Spec, yamlOf } from '../random-specs.ts';

type Turn =
  | { readonly kind: 'break' | 'mend' | 'drain' | 'undrain' | 'clear'; readonly number: number }
  | { readonly kind: 'weight'; readonly number: number; readonly weight: number }
  | { readonly kind: 'reload' | 'try' | 'apply'; readonly spec: Spec }
  | { readonly kind: 'confirm' | 'revert' | 'wait' | 'restart' };

const TRIAL_MS = 60;

const anyTurn: fc.Arbitrary<Turn> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('break', 'mend', 'drain', 'undrain', 'clear'),
      number: anyNumber,
    }),
  },
  fc.record({ kind: fc.constant('weight'), number: anyNumber, weight: fc.constantFrom(0, 7, 200) }),
  fc.record({ kind: fc.constantFrom('reload', 'try', 'apply'), spec: anySpec }),
  fc.record({ kind: fc.constantFrom('confirm', 'revert', 'wait', 'restart') }),
);

test('a replay gives the worlds, the tables and the events that a director had, over reloads, trials and restarts', async () => {
  const turns = fc.array(anyTurn, { minLength: 8, maxLength: 16 });
  const property = fc.asyncProperty(anySpec, turns, async (spec, all) => {
    const machine = await Machine.create();
    const seen: Seen = [];
    const events: string[] = [];
    try {
      let run = await machine.start(yamlOf(spec));
      const end = async (): Promise<void> => {
        await run.director.close();
        seen.push(...run.seen);
        events.push(...stepEvents(run));
      };
      for (const turn of all) {
        if (turn.kind === 'restart') {
          await end();
          const { memory, connector } = run.plane;
          const plane = new ImagePlane(memory);
          for (const address of connector.broken) plane.connector.broken.add(address);
          run = await machine.start(machine.text, plane);
        } else await take(turn, run, machine);
        await pass(25);
      }
      await end();
      const moments = [...replay(readJournal(machine.journalFile))] as KnownMoment[];
      expect(moments.map(({ kind }) => kind)).not.toContain('gap');
      expect(distinct(moments.map(({ world }) => outcomeOf(world)))).toEqual(
        distinct(seen.map(({ world }) => outcomeOf(world))),
      );
      // The events of a start are of a step that is not replayed: a snapshot takes its place.
      expect(moments.flatMap((moment) => moment.events.map(({ message }) => message))).toEqual(events);
      expect(moments.at(-1)?.world.table.services).toEqual(run.plane.tables.at(-1)?.services);
    } finally {
      await machine.destroy();
    }
  });
  await fc.assert(property, { numRuns: quickOrLong(4, 40) });
});

async function take(turn: Turn, { director, plane }: Run, machine: Machine): Promise<void> {
  switch (turn.kind) {
    case 'break':
      return void plane.connector.broken.add(`10.0.0.${turn.number}`);
    case 'mend':
      return void plane.connector.broken.delete(`10.0.0.${turn.number}`);
    case 'reload':
      machine.text = yamlOf(turn.spec);
      return void (await director.reload());
    case 'try':
      return void (await director.apply(parse(yamlOf(turn.spec)), { confirmMs: TRIAL_MS }));
    case 'apply':
      return void (await director.apply(parse(yamlOf(turn.spec))));
    case 'wait':
    case 'restart':
      return pass(TRIAL_MS);
    default:
      // There may be no trial, or no such real.
      await byHand(turn, director).catch(() => undefined);
  }
}

function byHand(turn: Exclude<Turn, { readonly spec: Spec }>, director: Run['director']): Promise<unknown> {
  if (turn.kind === 'confirm') return director.confirm();
  if (!('number' in turn)) return director.revert();
  const selector = { address: ip(`10.0.0.${turn.number}`) };
  if (turn.kind === 'weight') return director.setWeight(selector, turn.weight);
  if (turn.kind === 'clear') return director.clearWeight(selector);
  return turn.kind === 'drain' ? director.drain(selector) : director.undrain(selector);
}

const STEP_EVENTS =
  /^(?:real-(?:up|down)|check-(?:up|down|weight|failed)|weight|drain|undrain|confirm|quorum-(?:up|lost))$/;

/** The events of steps, except those of the first one. */
function stepEvents({ events }: Run): string[] {
  const all = events.after(0);
  const started = all.findIndex(({ type }) => type === 'start');
  return all.slice(started).flatMap(({ type, message }) => (STEP_EVENTS.test(type) ? [message] : []));
}

/** A world without its model, which has functions, and without the count of failures that go on, which nobody needs. */
function outcomeOf({ table, byHand: handled, gone, services, running, shortages }: World): object {
  const known = services.map(({ quorum, weight, reals }) => ({
    quorum,
    weight,
    health: reals.map(({ health }) => health && { ...health, failures: health.up ? health.failures : 0 }),
  }));
  const goneHealth = [...gone].map(([id, { up, sinceMs, lastError }]) => ({ id, up, sinceMs, lastError }));
  const { file, current, trial } = running;
  const revisions = [file.revision, current.revision, trial?.before.revision, trial?.deadlineMs];
  return { table, handled, goneHealth, known, revisions, shortages };
}

/** Each outcome that differs from the one before. */
function distinct(outcomes: readonly object[]): object[] {
  let last: object | undefined;
  return outcomes.filter((outcome) => {
    const isSame = last !== undefined && isEqual(last, outcome);
    last = outcome;
    return !isSame;
  });
}

function isEqual(a: object, b: object): boolean {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
}
