import { describe, expect, it } from 'vitest';
import { SERVICE, SERVICE_BUCKETS, SERVICE_KIND } from '../../../../../src/forwarding/image/tables/layout.ts';
import { type BucketEntry, ServiceTable } from '../../../../../src/forwarding/image/tables/service-table.ts';
import { type IpAddress, ip } from '../../../../../src/net/address/ip-address.ts';

const ONE = ip('0.0.0.1');
const TWO = ip('0.0.0.2');
const BYTES = SERVICE.size * SERVICE_BUCKETS;

function entry(vip: number | IpAddress, port: number, overrides: Partial<BucketEntry> = {}): BucketEntry {
  const at = { firstSlot: 4096, slotCount: 8192, index: 9, portMask: 0xffff };
  return { vip: vip as IpAddress, port, protocol: 6, kind: SERVICE_KIND.hash, ...at, ...overrides };
}

describe('service table', () => {
  it('holds a service as the header lays it out', () => {
    const memory = new ArrayBuffer(BYTES);
    const table = new ServiceTable(memory);
    const added = entry(0xc000_020a, 8080);
    table.insert(added);
    const bucket = table.find(added);
    const hex = Buffer.from(memory, bucket * SERVICE.size, 24).toString('hex');
    expect(hex.match(/../g)?.join(' ')).toBe(`c0 00 02 0a${' 00'.repeat(12)} 1f 90 06 02 09 00 ff ff`);
    expect(new BigUint64Array(memory)[(bucket * SERVICE.size) / 8 + 3]).toBe((8192n << 32n) | 4096n);
    expect(table.read(bucket)).toEqual(added);
  });

  it('starts to look in the bucket that the header says', () => {
    const table = new ServiceTable(new ArrayBuffer(BYTES));
    // By the formula of bpf/layout.h, in 64-bit integers; 192.0.2.10 and 8080 as they lie in memory.
    const h1 = BigInt.asUintN(32, (0x0a0200c0n ^ (0x901fn | (6n << 16n))) * 0x9e3779b1n);
    const h2 = BigInt.asUintN(32, (h1 ^ (h1 >> 15n)) * 0x85ebca6bn);
    const added = entry(0xc000_020a, 8080);
    table.insert(added);
    expect(table.find(added)).toBe(Number(h2 >> 16n));
  });

  it('tells keys apart by address, port and protocol', () => {
    const table = new ServiceTable(new ArrayBuffer(BYTES));
    table.insert(entry(1, 80));
    expect(table.find({ vip: ONE, port: 80, protocol: 17 })).toBe(-1);
    expect(table.find({ vip: ONE, port: 81, protocol: 6 })).toBe(-1);
    expect(table.find({ vip: TWO, port: 80, protocol: 6 })).toBe(-1);
    expect(table.find({ vip: ONE, port: 80, protocol: 6 })).toBeGreaterThanOrEqual(0);
  });

  it('has room for 4,000 services, each on a VIP of its own, and finds them while others come and go', () => {
    const table = new ServiceTable(new ArrayBuffer(BYTES));
    const services = Array.from({ length: 4000 }, (_, i) => entry(0xc633_0000 + i, 443, { index: i + 1 }));
    for (const service of services) {
      expect(table.insert(service)).toBe(true);
      expect(table.insert(entry(service.vip, 0, { protocol: 0, kind: SERVICE_KIND.vip }))).toBe(true);
    }
    for (const service of services.slice(0, 2000)) table.remove(table.find(service));
    expect(services.map((service) => table.find(service) >= 0)).toEqual(services.map((_, i) => i >= 2000));
    expect([...table.entries()].length).toBe(6000);
  });

  it('foresees that there is no room where all the buckets of a key are taken', () => {
    const memory = new ArrayBuffer(BYTES);
    const table = new ServiceTable(memory);
    const last = entry(0xc000_020a, 443);
    table.insert(last);
    const first = table.find(last);
    table.remove(first);
    expect(table.fits([last], [])).toBe(true);
    const kinds = new Uint8Array(memory);
    for (let step = 0; step < 8; step++) {
      const bucket = (first + step) % SERVICE_BUCKETS;
      kinds[bucket * SERVICE.size + SERVICE.kind] = SERVICE_KIND.hash;
    }
    expect(table.fits([last], [])).toBe(false);
    expect(table.insert(last)).toBe(false);
    kinds[first * SERVICE.size + SERVICE.kind] = SERVICE_KIND.empty;
    expect(table.fits([last], [])).toBe(true);
    expect(table.fits([last, entry(0xc000_020a, 443)], [])).toBe(false);
  });
});
