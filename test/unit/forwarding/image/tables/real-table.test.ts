import { describe, expect, it } from 'vitest';
import { REAL, REALS, REUSE_DELAY_TICKS } from '../../../../../src/forwarding/image/tables/layout.ts';
import { RealTable } from '../../../../../src/forwarding/image/tables/real-table.ts';
import { ip } from '../../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../../src/net/address/ipv4-address.ts';

const NEW_REAL = {
  address: ipv4('10.0.3.2'),
  serviceIndex: 7,
  weight: 100,
  serving: true,
  tunnel: { type: 'ipip' },
} as const;
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
      '02000000 00fe0300 02000000 0001dc05 0c000000 07000014 ' +
        `0a000201${' 00000000'.repeat(3)} 0a000302${' 00000000'.repeat(4)} 64000000`,
    );
  });

  it('lays a tunnel over IPv6, its port and a tag out as the header says', () => {
    const { table, memory } = newTable();
    const tunnel = { type: 'gue', checksum: 'none', port: 6080 } as const;
    const index = table.add({ ...NEW_REAL, address: ip('2001:db8::2'), tunnel });
    const resolved = { ...NEXT_HOP, vlan: 100 };
    table.setPath(index, { sourceAddress: ip('2001:db8::1'), mtuBytes: 1500, resolved });
    const hex = Buffer.from(memory, index * REAL.size, REAL.size).toString('hex');
    expect(hex.match(/.{8}/g)?.join(' ')).toBe(
      '02000000 00fe0300 02000000 0001dc05 0c000000 07000234 20010db8 00000000 00000000 00000001 ' +
        '20010db8 00000000 00000000 00000002 17c06410 64000100',
    );
    expect(table.read(index)).toMatchObject({ tunnel, overheadBytes: 52, vlan: 100, resolved: true });
  });

  it.each([
    ['ipip', { type: 'ipip' }, 20, 40],
    ['gre', { type: 'gre', checksum: 'none' }, 24, 44],
    ['gre with a checksum', { type: 'gre', checksum: 'full' }, 28, 48],
    ['gue', { type: 'gue', checksum: 'none', port: 6080 }, 32, 52],
    ['gue with a checksum', { type: 'gue', checksum: 'full', port: 6080 }, 32, 52],
    ['gue with remote checksums', { type: 'gue', checksum: 'remote', port: 6080 }, 40, 60],
  ] as const)(
    'says what %s takes, and is resolved only without a checksum',
    (_, tunnel, overIpv4, overIpv6) => {
      const { table, memory } = newTable();
      const indices = [ip('10.0.3.2'), ip('2001:db8::2')].map((address) =>
        table.add({ ...NEW_REAL, address }),
      );
      for (const index of indices) {
        table.setPath(index, { sourceAddress: undefined, mtuBytes: 1500, resolved: NEXT_HOP });
        expect(table.setTunnel(index, tunnel)).toBe(tunnel.type !== 'ipip');
        expect(table.setTunnel(index, tunnel)).toBe(false);
      }
      const isFast = !('checksum' in tunnel) || tunnel.checksum === 'none';
      for (const reader of [table, new RealTable(memory)]) {
        const found = indices.map((index) => reader.read(index));
        expect(found.map(({ overheadBytes }) => overheadBytes)).toEqual([overIpv4, overIpv6]);
        for (const real of found) expect(real).toMatchObject({ tunnel, resolved: isFast, serving: true });
      }
    },
  );

  it('is resolved again when a tunnel loses its checksum', () => {
    const { table } = newTable();
    const index = table.add({ ...NEW_REAL, tunnel: { type: 'gre', checksum: 'full' } });
    table.setTunnel(index, { type: 'gre', checksum: 'none' });
    expect(table.read(index).resolved).toBe(false);
    table.setTunnel(index, { type: 'gre', checksum: 'full' });
    table.setPath(index, { sourceAddress: undefined, mtuBytes: 1500, resolved: NEXT_HOP });
    expect(table.read(index).resolved).toBe(false);
    table.setTunnel(index, { type: 'gre', checksum: 'none' });
    expect(table.read(index)).toMatchObject({ resolved: true, ifIndex: 12 });
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
