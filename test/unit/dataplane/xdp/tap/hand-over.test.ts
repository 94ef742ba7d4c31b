import { beforeEach, expect, test } from 'vitest';
import { HandOver } from '../../../../../src/dataplane/xdp/tap/hand-over.ts';
import { HAND_OVER, RARITY, SHARES, SPENDING } from '../../../../../src/forwarding/image/tables/layout.ts';

const BUDGET = { opening: 3000, neighbour: 100, other: 2000, answer: 4000 } as const;

let words: Uint32Array;
let handOver: HandOver;
let nowMs: number;

beforeEach(() => {
  const memory = new ArrayBuffer(HAND_OVER.size);
  words = new Uint32Array(memory);
  handOver = new HandOver(memory, BUDGET);
  nowMs = 5000;
});

const level = (rarity: number): number => words[HAND_OVER.level / 4 + rarity] as number;
const epoch = (): number => words[HAND_OVER.epoch / 4] as number;

/** As the fast path counts: what is asked for, and of that what a share may have. */
function ask(rarity: number, asked: Readonly<Record<number, number>>): void {
  let total = 0;
  for (const [share, packets] of Object.entries(asked)) {
    const at = HAND_OVER.shares / 4 + (rarity * SHARES + Number(share)) * (SPENDING.size / 4);
    words.set([epoch(), packets], at);
    total += Math.min(packets, level(rarity));
  }
  words.set([epoch(), total], HAND_OVER.total / 4 + rarity * (SPENDING.size / 4));
}

function drained(): void {
  nowMs += 100;
  handOver.drained(nowMs);
}

test('a new epoch begins when all was taken, and not before a tick is over', () => {
  drained();
  const first = epoch();
  handOver.drained(nowMs + 99);
  expect(epoch()).toBe(first);
  handOver.drained(nowMs + 100);
  expect(epoch()).toBe(first + 1);
});

test('while there is enough for all, a service may have the whole budget', () => {
  ask(RARITY.opening, { 1: 2000, 2: 900 });
  drained();
  expect(level(RARITY.opening)).toBe(3000);
});

test('a flood at one service leaves the others theirs, until it is over', () => {
  ask(RARITY.opening, { 1: 40_000, 2: 50, 3: 10 });
  drained();
  expect(level(RARITY.opening)).toBe(2940);
  expect(level(RARITY.other)).toBe(2000);
  ask(RARITY.opening, { 1: 40_000, 2: 5000, 3: 10 });
  drained();
  expect(level(RARITY.opening)).toBe(1495);
  ask(RARITY.opening, { 1: 20, 2: 50 });
  drained();
  expect(level(RARITY.opening)).toBe(3000);
});

test('what was asked for in an earlier epoch does not count', () => {
  ask(RARITY.neighbour, { 20_000: 500 });
  drained();
  expect(level(RARITY.neighbour)).toBe(100);
  drained();
  drained();
  expect(level(RARITY.neighbour)).toBe(100);
});
