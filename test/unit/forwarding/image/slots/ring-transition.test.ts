import { describe, expect, it } from 'vitest';
import {
  changeRing,
  copyRing,
  type RingRange,
  settleRing,
  type TransitionRules,
  trackAll,
  trackedSlot,
} from '../../../../../src/forwarding/image/slots/ring-transition.ts';
import { OwnWords } from '../../../../../src/forwarding/image/tables/own-words.ts';

const A = 1;
const B = 2;
const C = 3;

function rules(nowTick: number, serving: readonly number[] = [A, B, C]): TransitionRules {
  return { nowTick, windowTicks: 100, isServing: (real) => serving.includes(real) };
}

function ring(...slots: number[]): RingRange {
  const words = new OwnWords(Uint32Array.from(slots).buffer);
  words.adopt(0, words.length);
  return { slots: words, first: 0, count: slots.length };
}

const noForeign = (range: RingRange): Uint8Array => new Uint8Array(range.count);

describe('a stable slot', () => {
  it('is tracked, with its old real as fallback, when that still serves', () => {
    const range = ring(A, A);
    const { transition, written } = changeRing(range, undefined, [B, A], rules(5));
    expect([...range.slots.words]).toEqual([trackedSlot(B, A), A]);
    expect(written).toBe(1);
    expect(transition?.tracked).toBe(1);
  });

  it('names the new real at once when the old one is dead or there was none', () => {
    const range = ring(A, 0);
    const { transition } = changeRing(range, undefined, [B, B], rules(5, [B]));
    expect([...range.slots.words]).toEqual([B, B]);
    expect(transition).toBeUndefined();
  });

  it('keeps its flows when no real takes new ones', () => {
    const range = ring(A);
    changeRing(range, undefined, [0], rules(5));
    expect([...range.slots.words]).toEqual([trackedSlot(0, A)]);
  });
});

describe('a tracked slot', () => {
  it('keeps the fallback of its stable days through further changes', () => {
    const range = ring(A);
    const { transition } = changeRing(range, undefined, [B], rules(5));
    changeRing(range, transition, [C], rules(50));
    expect([...range.slots.words]).toEqual([trackedSlot(C, A)]);
    changeRing(range, transition, [A], rules(60));
    expect([...range.slots.words]).toEqual([trackedSlot(A, A)]);
    changeRing(range, transition, [B], rules(70));
    expect([...range.slots.words]).toEqual([trackedSlot(B, A)]);
  });

  it('drops the fallback when its window is over, counted from when the slot left the stable state', () => {
    const range = ring(A);
    const { transition } = changeRing(range, undefined, [B], rules(5));
    changeRing(range, transition, [C], rules(50));
    if (!transition) throw new Error('not tracked');
    settleRing(range, transition, noForeign(range), rules(104));
    expect([...range.slots.words]).toEqual([trackedSlot(C, A)]);
    settleRing(range, transition, noForeign(range), rules(105));
    expect([...range.slots.words]).toEqual([trackedSlot(C, C)]);
    changeRing(range, transition, [B], rules(106));
    expect([...range.slots.words]).toEqual([trackedSlot(B, B)]);
  });

  it('drops a dead fallback at once', () => {
    const range = ring(A);
    const { transition } = changeRing(range, undefined, [B], rules(5));
    changeRing(range, transition, [B], rules(6, [B, C]));
    expect([...range.slots.words]).toEqual([trackedSlot(B, B)]);
  });

  it('becomes stable when no flow is elsewhere, in a later tick than it was written', () => {
    const range = ring(A, A);
    const transition = trackAll(range, [A, B], 5);
    settleRing(range, transition, Uint8Array.of(1, 0), rules(5));
    expect([...range.slots.words]).toEqual([trackedSlot(A, A), trackedSlot(B, B)]);
    settleRing(range, transition, Uint8Array.of(1, 0), rules(6));
    expect([...range.slots.words]).toEqual([trackedSlot(A, A), B]);
    expect(transition.tracked).toBe(1);
  });
});

describe('a ring that grows', () => {
  it('splits each slot with its fallback and its window', () => {
    const small = ring(A, B);
    const { transition } = changeRing(small, undefined, [B, B], rules(5));
    const large = ring(0, 0, 0, 0);
    const grown = copyRing(small, large, transition);
    expect([...large.slots.words]).toEqual([trackedSlot(B, A), trackedSlot(B, A), B, B]);
    expect(grown?.tracked).toBe(2);
    changeRing(large, grown, [C, B, B, C], rules(50));
    expect([...large.slots.words]).toEqual([trackedSlot(C, A), trackedSlot(B, A), B, trackedSlot(C, B)]);
  });
});

describe('a ring in a range that is larger than it need be', () => {
  it('fills a run of slots with each real', () => {
    const range = ring(A, A, A, A);
    changeRing(range, undefined, [B, C], rules(5, [B, C]));
    expect([...range.slots.words]).toEqual([B, B, C, C]);
  });
});
