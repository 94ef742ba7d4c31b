import { expect, test } from 'vitest';
import type { CheckResult, Input } from '../../../../src/director/step/input.ts';
import { nextTickMs, step } from '../../../../src/director/step/step.ts';
import type { World } from '../../../../src/director/world/world.ts';
import { type LocalShortage, localShortageIn } from '../../../../src/local-shortage.ts';
import { config, web } from '../machine.ts';
import { begin, reloaded, UP } from '../worlds.ts';

const EMFILE = localShortageIn({ code: 'EMFILE' }) as LocalShortage;
const TWO = config(web('{address: 10.0.3.2}, {address: 10.0.4.2}'));

/** Plays inputs at their times. */
class Play {
  world: World = begin(TWO);
  readonly types: string[] = [];

  take(input: Input, nowMs: number): void {
    const { world, events } = step(this.world, input, nowMs);
    this.world = world;
    this.types.push(...events.map(({ type }) => type));
  }

  /** The attempts of the checks of these reals could not be made, or were made. */
  attempt(reals: string[], nowMs: number, shortage?: LocalShortage): void {
    const all = this.world.services.flatMap((service) => service.reals);
    const results = reals.map((address): CheckResult => {
      const key = all.find(({ real }) => real.id.endsWith(address))?.checks[0]?.key ?? '';
      return { key, state: UP, shortage };
    });
    this.take({ kind: 'checks', results }, nowMs);
  }
}

test('a shortage is reported once when it begins and once when it is over, however many checks it concerns', () => {
  const play = new Play();
  play.attempt(['10.0.3.2', '10.0.4.2', '10.0.3.2'], 0, EMFILE);
  expect(play.world.shortages.get('EMFILE')).toMatchObject({ checks: 2, sinceMs: 0 });
  expect(play.world.unmadeAttempts).toBe(3);
  play.attempt(['10.0.3.2'], 1000);
  expect(nextTickMs(play.world)).toBeUndefined();
  play.attempt(['10.0.4.2'], 60_000);
  expect(nextTickMs(play.world)).toBe(65_000);
  play.attempt(['10.0.3.2'], 64_000, EMFILE);
  play.attempt(['10.0.3.2'], 64_000);
  play.take({ kind: 'tick' }, 68_000);
  expect(play.types).toEqual(['check-shortage']);
  play.take({ kind: 'tick' }, 69_000);
  expect(play.types).toEqual(['check-shortage', 'check-shortage-over']);
  expect(play.world.shortages.size).toBe(0);
});

test('an attempt that could not be made says nothing about the real', () => {
  const play = new Play();
  const { table } = play.world;
  play.attempt(['10.0.3.2'], 0, EMFILE);
  expect(play.world.table).toBe(table);
  expect(play.world.services[0]?.reals[0]?.health).toMatchObject({ up: true, lastError: undefined });
});

test('a shortage is over when its checks are gone', () => {
  const play = new Play();
  play.attempt(['10.0.4.2'], 0, EMFILE);
  play.world = reloaded(play.world, config(web('{address: 10.0.3.2}')));
  expect(play.world.shortages.get('EMFILE')).toMatchObject({ checks: 0 });
  play.take({ kind: 'tick' }, 6000);
  expect(play.types).toEqual(['check-shortage', 'check-shortage-over']);
});

test('and goes on when its checks are kept over a reload', () => {
  const play = new Play();
  play.attempt(['10.0.4.2'], 0, EMFILE);
  play.world = reloaded(play.world, config(web('{address: 10.0.4.2, weight: 7}, {address: 10.0.5.2}')));
  expect(play.world.shortages.get('EMFILE')).toMatchObject({ checks: 1 });
});
