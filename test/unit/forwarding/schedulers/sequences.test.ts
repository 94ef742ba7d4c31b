import { describe, expect, it } from 'vitest';
import type { SchedulerName } from '../../../../src/forwarding/forwarding-table.ts';
import { ringSize } from '../../../../src/forwarding/hashing/ring.ts';
import { MaglevHashing } from '../../../../src/forwarding/schedulers/hashed/mh.ts';
import type { Candidate } from '../../../../src/forwarding/schedulers/scheduler.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import {
  addressesFrom,
  letterOf,
  type Real,
  real,
  realsOf,
  request,
  schedule,
  schedulerOf,
  turns,
} from './reals.ts';

interface Row {
  readonly description: string;
  readonly scheduler: SchedulerName;
  readonly reals: readonly Partial<Candidate>[];
  readonly turns: string;
}

const ROWS: readonly Row[] = [
  { description: 'in the order listed', scheduler: 'rr', reals: [{}, {}, {}], turns: 'ABCABC' },
  {
    description: 'without those of weight 0 and full ones',
    scheduler: 'rr',
    reals: [{}, { weight: 0 }, { overloaded: true }, { weight: 9 }],
    turns: 'ADADAD',
  },
  {
    description: 'by weight, from the greatest down',
    scheduler: 'wrr',
    reals: [{ weight: 3 }, { weight: 2 }, { weight: 1 }],
    turns: 'ABACBAABACBA',
  },
  {
    description: 'past a full one, which is the heaviest',
    scheduler: 'wrr',
    reals: [{ weight: 60_000, overloaded: true }, { weight: 2 }, { weight: 1 }],
    turns: 'BCBBCB',
  },
  {
    description: 'whatever the weights; of equal ones the last',
    scheduler: 'lc',
    reals: [{ active: 1, weight: 9 }, {}, {}],
    turns: 'CBCBA',
  },
  {
    description: 'an active flow weighs 256 others',
    scheduler: 'lc',
    reals: [{ active: 1 }, { inactive: 256 }, { inactive: 255 }],
    turns: 'CBA',
  },
  { description: 'by weight', scheduler: 'wlc', reals: [{ weight: 2 }, { weight: 1 }], turns: 'BAABAA' },
  {
    description: 'not to a slow one while a fast one has room',
    scheduler: 'sed',
    reals: [{ weight: 3 }, { weight: 1 }],
    turns: 'AABAAABA',
  },
  {
    description: 'to an idle one at once',
    scheduler: 'nq',
    reals: [{ weight: 100 }, { weight: 1 }, { weight: 1, overloaded: true }],
    turns: 'BAAA',
  },
  {
    description: 'the heaviest alone; of equal ones the last',
    scheduler: 'fo',
    reals: [{ weight: 7 }, { weight: 9, overloaded: true }, { weight: 7 }],
    turns: 'CCCC',
  },
  {
    description: 'the heaviest until it has more than its weight',
    scheduler: 'ovf',
    reals: [{ weight: 1 }, { weight: 3 }],
    turns: 'BBBBAA--',
  },
  { description: 'stays', scheduler: 'lblc', reals: [{ weight: 9 }, { weight: 9 }], turns: 'BBBBBBBBBB' },
  {
    description: 'until its real has more than its weight and another is half empty',
    scheduler: 'lblc',
    reals: [{ weight: 2 }, { weight: 2 }],
    turns: 'BBBAAAAA',
  },
  {
    description: 'until its reals have more than their weights',
    scheduler: 'lblcr',
    reals: [{ weight: 2 }, { weight: 2 }],
    turns: 'BBBAAAAB',
  },
];

describe('the order of choice', () => {
  it.each(ROWS)('$scheduler: $description', (row) => {
    const reals = row.reals.map((fields, i) => real(i + 1, fields));
    expect(turns(schedulerOf(row.scheduler), reals, row.turns.length)).toBe(row.turns);
  });
});

describe('round robin', () => {
  it('goes on with the next one when reals come and go', () => {
    const rr = schedulerOf('rr');
    const [a, b, c, d] = realsOf(1, 1, 1, 1) as [Real, Real, Real, Real];
    expect(turns(rr, [a, b, c], 2)).toBe('AB');
    expect(turns(rr, [a, c], 1)).toBe('C');
    expect(turns(rr, [d, a, b, c], 3)).toBe('DAB');
    expect(turns(rr, [b, c], 1)).toBe('C');
  });
});

describe('weighted round robin', () => {
  it('keeps its level when the reals change, and begins that pass anew', () => {
    const wrr = schedulerOf('wrr');
    const reals = realsOf(3, 2, 1);
    expect(turns(wrr, reals, 4)).toBe('ABAC');
    (reals[1] as Real).weight = 3;
    expect(turns(wrr, reals, 3)).toBe('CBA');
    expect(turns(wrr, reals, 7)).toBe('BABACBA');
  });
});

describe('a choice that is not made', () => {
  it.each(['rr', 'wrr', 'lblc', 'lblcr'] as const)('leaves %s where it was', (name) => {
    const asked = schedulerOf(name);
    const reals = realsOf(3, 1, 2);
    const first = asked.choose(reals, request());
    expect(asked.choose(reals, request())?.position).toBe(first?.position);
  });
});

describe('lblc', () => {
  it('forgets an address that nobody came to for a day', () => {
    const lblc = schedulerOf('lblc');
    const reals = realsOf(9, 9);
    const day = 24 * 60 * 60 * 1000;
    const at = (nowMs: number): string => letterOf(schedule(lblc, reals, request({ nowMs })));
    expect([at(0), at(day), at(2 * day), at(3 * day + 1)]).toEqual(['B', 'B', 'B', 'A']);
  });

  it('never sends to a real that is full, though the kernel does', () => {
    const lblc = schedulerOf('lblc');
    const reals = realsOf(9, 9);
    expect(turns(lblc, reals, 1)).toBe('B');
    (reals[1] as Real).overloaded = true;
    expect(turns(lblc, reals, 2)).toBe('AA');
  });

  it('remembers no more than 16,384 addresses, the latest used', () => {
    const lblc = schedulerOf('lblc');
    const reals = realsOf(60_000, 60_000);
    const addresses = addressesFrom('10.9.0.0', 16_385);
    const at = (vip = addresses[0]): string => letterOf(schedule(lblc, reals, request(vip ? { vip } : {})));
    expect(at()).toBe('B');
    for (const address of addresses.slice(1, 16_384)) at(address);
    (reals[1] as Real).active = 10_000;
    expect(at()).toBe('B');
    at(addresses[16_384]);
    expect(at()).toBe('B');
    expect(at(addresses[1])).toBe('A');
  });
});

describe('lblcr', () => {
  it('gives up the most loaded of several reals after a day without a change', () => {
    const lblcr = schedulerOf('lblcr');
    const reals = realsOf(2, 2);
    const day = 24 * 60 * 60 * 1000;
    expect(turns(lblcr, reals, 4)).toBe('BBBA');
    const at = (nowMs: number): string => letterOf(schedule(lblcr, reals, request({ nowMs })));
    for (const r of reals) r.active = 0;
    expect(at(day / 2)).toBe('A');
    expect(at(day + 1)).toBe('B');
    (reals[0] as Real).active = 0;
    (reals[1] as Real).active = 2;
    expect(at(day + 2)).toBe('B');
  });
});

describe('sh', () => {
  const clients = addressesFrom('198.51.100.0', 100);
  const choicesOf = (sh: ReturnType<typeof schedulerOf>, reals: readonly Real[], clientPort = 1000): string =>
    clients.map((client) => letterOf(schedule(sh, reals, request({ client, clientPort })))).join('');

  it('takes no heed of ports unless sh-port says so', () => {
    const reals = realsOf(1, 1, 1);
    expect(choicesOf(schedulerOf('sh'), reals, 1)).toBe(choicesOf(schedulerOf('sh'), reals, 2));
    expect(choicesOf(schedulerOf('sh', 'sh-port'), reals, 1)).not.toBe(
      choicesOf(schedulerOf('sh', 'sh-port'), reals, 2),
    );
  });

  it('refuses the clients of a real that takes none, unless sh-fallback gives them another', () => {
    const before = choicesOf(schedulerOf('sh'), realsOf(1, 1, 1));
    const drained = realsOf(1, 0, 1);
    expect(choicesOf(schedulerOf('sh'), drained)).toBe(before.replaceAll('B', '-'));
    const fallen = choicesOf(schedulerOf('sh', 'sh-fallback'), drained);
    for (const [i, letter] of Array.from(before).entries()) {
      expect(fallen[i]).toMatch(letter === 'B' ? /[AC]/ : letter);
    }
  });

  it('gives every real its share also where the weights are more than the kernel has places', () => {
    const reals = realsOf(100, 100, 100, 100, 200);
    const chosen = addressesFrom('2001:db8::', 6000).map((client) =>
      letterOf(schedule(schedulerOf('sh'), reals, request({ client }))),
    );
    const counts = Array.from('ABCDE').map((letter) => chosen.filter((other) => other === letter).length);
    for (const [i, expected] of [1000, 1000, 1000, 1000, 2000].entries()) {
      expect(Math.abs((counts[i] as number) - expected)).toBeLessThan(150);
    }
  });

  it('has places for more than 256 reals', () => {
    const reals = realsOf(...Array.from({ length: 1000 }, () => 1));
    const sh = schedulerOf('sh');
    for (const client of addressesFrom('10.0.0.0', 20_000)) schedule(sh, reals, request({ client }));
    expect(reals.every(({ active }) => active > 0)).toBe(true);
  });
});

describe('dh', () => {
  it('goes by the virtual address alone', () => {
    const dh = schedulerOf('dh');
    const reals = realsOf(1, 5, 1);
    const first = schedule(dh, reals, request());
    expect(schedule(dh, reals, request({ client: ip('192.0.2.99'), clientPort: 7 }))).toBe(first);
    const byVip = addressesFrom('192.0.2.0', 50).map((vip) =>
      letterOf(schedule(dh, reals, request({ vip }))),
    );
    expect(new Set(byVip)).toEqual(new Set('ABC'));
  });
});

describe('mh', () => {
  it('passes over a full real to the next on the ring, and comes back to it', () => {
    const mh = schedulerOf('mh');
    const reals = realsOf(1, 1, 1);
    const first = schedule(mh, reals, request()) as Real;
    first.overloaded = true;
    const second = schedule(mh, reals, request());
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
    first.overloaded = false;
    expect(schedule(mh, reals, request())).toBe(first);
  });

  it('follows a ring that it is given', () => {
    const mh = new MaglevHashing(() => [2, 0, 1]);
    const reals = realsOf(1, 1, 1);
    expect(turns(mh, reals, 2)).toBe('CC');
    (reals[2] as Real).overloaded = true;
    expect(turns(mh, reals, 2)).toBe('AA');
    expect(turns(mh, realsOf(0, 0, 0), 1)).toBe('-');
  });

  it('leaves the other clients where they are when a real goes', () => {
    const mh = schedulerOf('mh');
    const reals = realsOf(...Array.from({ length: 10 }, () => 1));
    const clients = addressesFrom('2001:db8::', 1000);
    const before = clients.map((client) => schedule(mh, reals, request({ client })));
    const left = reals.slice(1);
    const moved = clients.filter((client, i) => {
      const after = schedule(mh, left, request({ client }));
      return before[i] !== reals[0] && after !== before[i];
    });
    expect(ringSize(10)).toBeGreaterThan(2048);
    expect(moved.length).toBeLessThan(30);
  });
});

describe('twos', () => {
  it('takes the less loaded of the two that it draws', () => {
    const reals = [real(1, { weight: 2, active: 6 }), real(2, { active: 2 }), real(3, { weight: 0 })];
    const drawing = (...lots: number[]): string =>
      letterOf(schedule(schedulerOf('twos'), reals, request({ random: () => lots.shift() as number })));
    expect(drawing(0, 0.99)).toBe('B');
    expect(drawing(0.99, 0)).toBe('B');
    expect(drawing(0, 0.5)).toBe('A');
  });
});
