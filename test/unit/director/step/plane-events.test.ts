import { expect, test } from 'vitest';
import { step } from '../../../../src/director/step/step.ts';
import { ip } from '../../../../src/net/address/ip-address.ts';
import { config, web } from '../machine.ts';
import { after, begin, reloaded } from '../worlds.ts';

const TWO = config(web('{address: 10.0.3.2}, {address: "2001:db8::2"}'));

const lost = (real: string) =>
  ({
    kind: 'plane',
    event: { type: 'next-hop', real: ip(real), resolved: false, detail: 'no answer' },
  }) as const;
const found = (real: string) =>
  ({ kind: 'plane', event: { type: 'next-hop', real: ip(real), resolved: true, detail: 'eth0' } }) as const;

test('a next hop that is not known is part of the world until it is, and no reason to move traffic', () => {
  const world = begin(TWO);
  const { world: without, events } = step(world, lost('2001:db8::2'), 7000);
  expect(without.withoutWay).toEqual(new Map([[ip('2001:db8::2'), { sinceMs: 7000, detail: 'no answer' }]]));
  expect(without.table).toBe(world.table);
  expect(events).toEqual([
    { level: 'warning', type: 'next-hop', message: 'the next hop to 2001:db8::2 is unknown: no answer' },
  ]);
  expect(after(without, found('10.0.3.2')).withoutWay.size).toBe(1);
  expect(after(without, found('2001:db8::2')).withoutWay.size).toBe(0);
});

test('it is forgotten with its real', () => {
  const world = after(begin(TWO), lost('10.0.3.2'), lost('2001:db8::2'));
  const { withoutWay } = reloaded(world, config(web('{address: 10.0.3.2}')));
  expect([...withoutWay.keys()]).toEqual([ip('10.0.3.2')]);
});
