import { describe, expect, it } from 'vitest';
import { REAL, REALS, REUSE_DELAY_TICKS } from '../../../../src/forwarding/image/layout.ts';
import { RealTable } from '../../../../src/forwarding/image/real-table.ts';
import { ipv4 } from '../../../../src/net/ipv4-address.ts';

const NEW_REAL = { address: ipv4('10.0.3.2'), serviceIndex: 7, weight: 100, serving: true };
const NEXT_HOP = {
  nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 0xfe),
  sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  ifIndex: 12,
};

function newTable(): { table: RealTable; memory: ArrayBuffer } {
  const memory = new ArrayBuffer(REAL.size * REALS);
  return { table: new RealTable(memory), memory };
}

describe('real table', () => {
  it('begins with index 1 and says what was written', () => {
    const { table } = newTable();
    const index = table.add(NEW_REAL);
    expect(index).toBe(1);
    expect(table.read(index)).toMatchObject({ ...NEW_REAL, index, resolved: false, mtuBytes: 1500 });
    expect(table.isServing(0)).toBe(false);
  });

  it('lays a path out as the header says', () => {
    const { table, memory } = newTable();
    const index = table.add(NEW_REAL);
    table.setPath(index, { sourceAddress: ipv4('10.0.2.1'), mtuBytes: 1500, resolved: NEXT_HOP });
    const hex = Buffer.from(memory, index * REAL.size, REAL.size).toString('hex');
    expect(hex.match(/.{8}/g)?.join(' ')).toBe(
      '02000000 00fe0300 02000000 0001dc05 0c000000 07000000 ' +
        `0a000201${' 00000000'.repeat(3)} 0a000302${' 00000000'.repeat(4)} 64000000`,
    );
  });

  it('keeps serving and path apart', () => {
    const { table } = newTable();
    const index = table.add(NEW_REAL);
    table.setPath(index, { sourceAddress: ipv4('10.0.2.1'), mtuBytes: 1400, resolved: NEXT_HOP });
    table.setServing(index, false);
    expect(table.read(index)).toMatchObject({ serving: false, resolved: true, mtuBytes: 1400, ifIndex: 12 });
    table.setPath(index, { sourceAddress: ipv4('10.0.2.1'), mtuBytes: 1400, resolved: undefined });
    table.setServing(index, true);
    expect(table.read(index)).toMatchObject({ serving: true, resolved: false });
  });

  it('gives a freed index out again only after the delay', () => {
    const { table } = newTable();
    const index = table.add(NEW_REAL);
    const free = table.available(0);
    table.remove(index, 10);
    expect(table.isServing(index)).toBe(false);
    expect(table.available(9 + REUSE_DELAY_TICKS)).toBe(free);
    expect(table.add(NEW_REAL)).not.toBe(index);
    expect(table.available(10 + REUSE_DELAY_TICKS)).toBe(free);
    expect(table.add(NEW_REAL)).toBe(index);
  });

  it('does not give out what a former run uses', () => {
    const { table, memory } = newTable();
    const index = table.add(NEW_REAL);
    const next = new RealTable(memory);
    expect([...next.used()]).toEqual([index]);
    expect(next.add(NEW_REAL)).not.toBe(index);
  });
});
