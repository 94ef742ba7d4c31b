import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CulvertError } from '../../../../src/errors.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import {
  type CapturedPacket,
  ipPacketOf,
  ipv4PacketOf,
  LINK_TYPE,
  readCapture,
  writePcap,
} from '../../../../src/net/captures/pcap.ts';
import { buildIpv4 } from '../../../../src/net/headers/ipv4.ts';

const packet = buildIpv4(
  { source: ipv4('198.51.100.2'), destination: ipv4('192.0.2.10'), protocol: 17 },
  Uint8Array.of(1, 2, 3),
);
const macs = new Uint8Array(12);
const captured: CapturedPacket = {
  linkType: LINK_TYPE.raw,
  timeNs: 1_700_000_000_123_456_789n,
  bytes: packet,
  originalLength: 1500,
};

const u16 = (value: number, little: boolean): number[] => {
  const bytes = [value & 255, value >>> 8];
  return little ? bytes : bytes.toReversed();
};
const u32 = (value: number, little: boolean): number[] => {
  const low = u16(value & 0xffff, little);
  const high = u16(value >>> 16, little);
  return little ? [...low, ...high] : [...high, ...low];
};

function classic(little: boolean, magic: number): Uint8Array {
  const w = (value: number): number[] => u32(value, little);
  const header = [...w(magic), ...u16(2, little), ...u16(4, little), ...w(0), ...w(0), ...w(65535), ...w(1)];
  const frame = [...macs, 8, 0, ...packet];
  return Uint8Array.from([...header, ...w(100), ...w(7), ...w(frame.length), ...w(frame.length), ...frame]);
}

function block(type: number, body: readonly number[], little: boolean): number[] {
  const padded = [...body, ...Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  const length = u32(padded.length + 12, little);
  return [...u32(type, little), ...length, ...padded, ...length];
}

function pcapng(little: boolean): Uint8Array {
  const w = (value: number): number[] => u32(value, little);
  const half = (value: number): number[] => u16(value, little);
  const section = [...w(0x1a2b3c4d), ...half(1), ...half(0), ...w(0xffffffff), ...w(0xffffffff)];
  const nanoseconds = [...half(9), ...half(1), 9, 0, 0, 0, ...w(0)];
  const time = 1_000_000_000_000n + 42n;
  return Uint8Array.from([
    ...block(0x0a0d0d0a, section, little),
    ...block(1, [...half(LINK_TYPE.raw), ...half(0), ...w(0), ...nanoseconds], little),
    ...block(1, [...half(LINK_TYPE.ethernet), ...half(0), ...w(64)], little),
    ...block(0x0bad, [1, 2, 3, 4], little),
    ...block(
      6,
      [
        ...w(0),
        ...w(Number(time >> 32n)),
        ...w(Number(time & 0xffffffffn)),
        ...w(packet.length),
        ...w(99),
        ...packet,
      ],
      little,
    ),
    ...block(6, [...w(1), ...w(0), ...w(5), ...w(15), ...w(15), ...macs, 8, 6, 7], little),
    ...block(3, [...w(packet.length), ...packet], little),
  ]);
}

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return error instanceof CulvertError ? error.code : `unexpected ${String(error)}`;
  }
  return 'none';
};

describe('pcap', () => {
  test('what was written is read', () => {
    expect(readCapture(writePcap([captured, captured], LINK_TYPE.raw), 'x.pcap')).toStrictEqual([
      captured,
      captured,
    ]);
  });

  test.each([
    ['little-endian, microseconds', true, 0xa1b2c3d4, 100_000_007_000n],
    ['big-endian, microseconds', false, 0xa1b2c3d4, 100_000_007_000n],
    ['little-endian, nanoseconds', true, 0xa1b23c4d, 100_000_000_007n],
    ['big-endian, nanoseconds', false, 0xa1b23c4d, 100_000_000_007n],
  ])('%s', (_, little, magic, timeNs) => {
    const [read] = readCapture(classic(little, magic), 'x.pcap');
    expect(read).toMatchObject({ linkType: LINK_TYPE.ethernet, timeNs });
    expect(ipv4PacketOf(read as CapturedPacket)).toStrictEqual(packet);
  });
});

describe('pcapng', () => {
  test.each([true, false])('little-endian: %s', (little) => {
    const [raw, ethernet, simple] = readCapture(pcapng(little), 'x.pcapng');
    expect(raw).toStrictEqual({
      linkType: LINK_TYPE.raw,
      timeNs: 1_000_000_000_042n,
      bytes: packet,
      originalLength: 99,
    });
    expect(ethernet).toMatchObject({ linkType: LINK_TYPE.ethernet, timeNs: 5_000n });
    expect(ipv4PacketOf(ethernet as CapturedPacket)).toBeUndefined();
    expect(simple?.bytes).toStrictEqual(packet);
  });
});

test('Wireshark reads what is written, and what its tools write is read', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'culvert-pcap-'));
  try {
    const [from, to] = [join(directory, 'a.pcap'), join(directory, 'b.pcapng')];
    writeFileSync(from, writePcap([captured], LINK_TYPE.raw));
    try {
      execFileSync('editcap', ['-F', 'pcapng', from, to], { stdio: 'ignore' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') context.skip('editcap is not installed');
      throw error;
    }
    expect(
      readCapture(readFileSync(to), to).map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] })),
    ).toStrictEqual([{ ...captured, bytes: [...packet] }]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('an IPv6 packet is one, too, unless IPv4 is asked for', () => {
  const ipv6 = Uint8Array.from([0x60, ...Array<number>(39).fill(7)]);
  const framed = {
    ...captured,
    linkType: LINK_TYPE.ethernet,
    bytes: Uint8Array.from([...macs, 0x86, 0xdd, ...ipv6]),
  };
  expect(ipPacketOf(framed)).toStrictEqual(ipv6);
  expect(ipPacketOf({ ...captured, linkType: LINK_TYPE.ipv6, bytes: ipv6 })).toStrictEqual(ipv6);
  expect(ipv4PacketOf(framed)).toBeUndefined();
  expect(ipPacketOf({ ...captured, bytes: new Uint8Array(20) })).toBeUndefined();
});

test('the IPv4 packet is found behind VLAN tags and cooked headers', () => {
  const of = (linkType: number, header: number[]): Uint8Array | undefined =>
    ipv4PacketOf({ ...captured, linkType, bytes: Uint8Array.from([...header, ...packet]) });
  expect(of(LINK_TYPE.ethernet, [...macs, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0])).toStrictEqual(packet);
  expect(of(LINK_TYPE.linuxCooked, [...Array<number>(14).fill(0), 8, 0])).toStrictEqual(packet);
  expect(of(LINK_TYPE.ethernet, [...macs, 0x81])).toBeUndefined();
  expect(of(999, [])).toBeUndefined();
});

describe('files that are damaged', () => {
  const enormous = classic(true, 0xa1b2c3d4);
  enormous[34] = 0xff;
  const foreignInterface = pcapng(true);
  foreignInterface[28 + 32 + 20 + 16 + 8] = 9;
  const noOrder = pcapng(true);
  noOrder[8] = 0;
  const oddLength = pcapng(true);
  oddLength[32] = 13;
  test.each([
    ['empty', new Uint8Array(0)],
    ['text', new TextEncoder().encode('hello, world')],
    ['ends in the header', classic(true, 0xa1b2c3d4).subarray(0, 20)],
    ['a packet of 16 MiB', enormous],
    ['a packet of an interface that is not there', foreignInterface],
    ['no byte order', noOrder],
    ['a block of 13 bytes', oddLength],
  ])('%s', (_, file) => {
    expect(codeOf(() => readCapture(file, 'x'))).toBe('CAPTURE_INVALID');
  });

  test('cut off in the last packet: the others are read', () => {
    const file = writePcap([captured, captured], LINK_TYPE.raw);
    expect(readCapture(file.subarray(0, -1), 'x')).toHaveLength(1);
    expect(readCapture(pcapng(true).subarray(0, -4), 'x')).toHaveLength(2);
  });

  test('any change of any bytes is read or refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(pcapng(true), pcapng(false), classic(true, 0xa1b2c3d4)),
        fc.nat(),
        fc.nat(255),
        (file, at, value) => {
          const changed = file.slice();
          changed[at % changed.length] = value;
          expect(['none', 'CAPTURE_INVALID']).toContain(codeOf(() => readCapture(changed, 'x')));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
