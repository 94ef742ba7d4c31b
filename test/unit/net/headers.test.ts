import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { internetChecksum, transportChecksum } from '../../../src/net/checksum.ts';
import { isFault, PARSE_FAULTS } from '../../../src/net/fault.ts';
import { buildArp, parseArp } from '../../../src/net/headers/arp.ts';
import {
  buildEthernet,
  ETHERTYPE,
  formatMac,
  parseEthernet,
  parseMac,
  parseTaggedEthernet,
} from '../../../src/net/headers/ethernet.ts';
import { buildIcmp, parseIcmp } from '../../../src/net/headers/icmp.ts';
import {
  buildIpv4,
  ipv4ChecksumIsGood,
  PROTOCOL,
  parseIpv4Header,
  parseQuotedIpv4Header,
} from '../../../src/net/headers/ipv4.ts';
import {
  buildTcp,
  mssOption,
  parseTcp,
  TCP_FLAGS,
  tcpMss,
  tcpOptions,
} from '../../../src/net/headers/tcp.ts';
import { buildUdp, parseUdp } from '../../../src/net/headers/udp.ts';
import { anyIpv4, fromHex, mac, payload, u8, u16, u32 } from './values.ts';

describe('known answers', () => {
  test('an IPv4 header with its checksum (the textbook one, b861)', () => {
    const bytes = fromHex('4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7');
    expect(parseQuotedIpv4Header(bytes)).toStrictEqual({
      headerBytes: 20,
      tos: 0,
      totalLength: 115,
      id: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffsetBytes: 0,
      ttl: 64,
      protocol: 17,
      checksum: 0xb861,
      source: ipv4('192.168.0.1'),
      destination: ipv4('192.168.0.199'),
    });
    expect(ipv4ChecksumIsGood(bytes, 0, 20)).toBe(true);
    expect(parseIpv4Header(bytes)).toBe('ip-total-length');
  });

  test('a SYN with an MSS of 1460, as the Linux kernel sends it', () => {
    const bytes = fromHex(
      '9c40 0050 0000 0001 0000 0000 a002 faf0 0000 0000 0204 05b4 0402 080a 0000 0001 0000 0000 0103 0307',
    );
    const header = parseTcp(bytes, 0);
    expect(header).toMatchObject({
      sourcePort: 40000,
      destinationPort: 80,
      flags: TCP_FLAGS.syn,
      window: 64240,
    });
    expect(tcpMss(bytes, 0, 40)).toBe(1460);
    expect(tcpOptions(bytes, 0, 40).map(({ kind }) => kind)).toStrictEqual([2, 4, 8, 1, 3]);
  });

  test('fragmentation needed carries the MTU in its last two bytes (RFC 1191)', () => {
    const message = buildIcmp({ type: 3, code: 4, rest: 1480 });
    expect(message).toStrictEqual(fromHex('0304 f733 0000 05c8'));
    expect(parseIcmp(message, 0)).toMatchObject({ type: 3, code: 4, nextHopMtu: 1480 });
  });

  test('an ARP request on the wire', () => {
    const bytes = buildArp({
      operation: 1,
      senderMac: fromHex('020000000001'),
      senderAddress: ipv4('10.0.0.1'),
      targetMac: new Uint8Array(6),
      targetAddress: ipv4('192.0.2.10'),
    });
    expect(bytes).toStrictEqual(
      fromHex('0001 0800 0604 0001 0200 0000 0001 0a00 0001 0000 0000 0000 c000 020a'),
    );
  });

  test('a UDP checksum that comes out as zero is sent as ones', () => {
    const fields = {
      source: ipv4('0.0.0.0'),
      destination: ipv4('0.0.0.0'),
      sourcePort: 0,
      destinationPort: 0,
    };
    const zero = 0xffff - 17 - 10 - 10;
    const datagram = buildUdp({ ...fields, payload: Uint8Array.of(zero >> 8, zero & 255) });
    expect(datagram.subarray(6, 8)).toStrictEqual(Uint8Array.of(0xff, 0xff));
  });

  test('MAC addresses in text', () => {
    expect(formatMac(parseMac('02:AB:cd:00:00:0f') as Uint8Array)).toBe('02:ab:cd:00:00:0f');
    expect(parseMac('02:ab:cd:00:00')).toBeUndefined();
    expect(parseMac('02:ab:cd:00:00:0g')).toBeUndefined();
  });
});

describe('reading what was built gives it back', () => {
  test('IPv4', () => {
    const fields = fc.record({
      source: anyIpv4,
      destination: anyIpv4,
      protocol: u8,
      tos: u8,
      id: u16,
      ttl: u8,
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffsetBytes: fc.nat(0x1fff).map((units) => units * 8),
    });
    fc.assert(
      fc.property(fields, payload, fc.uint8Array({ maxLength: 40 }), (wanted, data, options) => {
        const packet = buildIpv4(wanted, data, options);
        const header = parseIpv4Header(packet);
        expect(header).toMatchObject(wanted);
        if (isFault(header)) throw new Error(header);
        expect(ipv4ChecksumIsGood(packet, 0, header.headerBytes)).toBe(true);
        expect(packet.subarray(header.headerBytes, header.totalLength)).toStrictEqual(data);
        expect(packet.subarray(20, 20 + options.length)).toStrictEqual(options);
      }),
    );
  });

  test('TCP', () => {
    const fields = fc.record({
      source: anyIpv4,
      destination: anyIpv4,
      sourcePort: u16,
      destinationPort: u16,
      sequence: u32,
      acknowledgment: u32,
      flags: u8,
      window: u16,
      urgentPointer: u16,
    });
    fc.assert(
      fc.property(fields, payload, u16, (wanted, data, mss) => {
        const { source, destination, ...visible } = wanted;
        const segment = buildTcp({ ...wanted, payload: data, options: mssOption(mss) });
        expect(parseTcp(segment, 0)).toMatchObject(visible);
        expect(tcpMss(segment, 0, 24)).toBe(mss);
        expect(segment.subarray(24)).toStrictEqual(data);
        expect(transportChecksum(segment, source, destination, PROTOCOL.tcp)).toBe(0);
      }),
    );
  });

  test('UDP, ICMP, ARP and Ethernet', () => {
    fc.assert(
      fc.property(anyIpv4, anyIpv4, u16, payload, (source, destination, port, data) => {
        const datagram = buildUdp({
          source,
          destination,
          sourcePort: port,
          destinationPort: 53,
          payload: data,
        });
        expect(parseUdp(datagram, 0)).toMatchObject({
          sourcePort: port,
          destinationPort: 53,
          length: 8 + data.length,
        });
        expect(transportChecksum(datagram, source, destination, PROTOCOL.udp)).toBe(0);
      }),
    );
    fc.assert(
      fc.property(u8, u8, u32, payload, (type, code, rest, data) => {
        const message = buildIcmp({ type, code, rest, payload: data });
        expect(parseIcmp(message, 0)).toMatchObject({ type, code, rest, nextHopMtu: rest & 0xffff });
        expect(internetChecksum(message, 0, message.length)).toBe(0);
      }),
    );
    fc.assert(
      fc.property(mac, anyIpv4, mac, u16, (senderMac, senderAddress, targetMac, operation) => {
        const fields = { operation, senderMac, senderAddress, targetMac, targetAddress: ipv4('192.0.2.10') };
        const frame = buildEthernet(
          { destination: targetMac, source: senderMac, etherType: 0x806 },
          buildArp(fields),
        );
        expect(parseEthernet(frame)).toStrictEqual({
          destination: targetMac,
          source: senderMac,
          etherType: 0x806,
        });
        expect(parseArp(frame, 14)).toStrictEqual(fields);
      }),
    );
  });
});

describe('802.1Q tags', () => {
  const macs = { destination: fromHex('020000000001'), source: fromHex('020000000002') };

  test('byte for byte', () => {
    const tags = [
      { id: 100, tagProtocol: ETHERTYPE.qinq },
      { id: 7, priority: 5, dropEligible: true },
    ];
    const frame = buildEthernet({ ...macs, etherType: ETHERTYPE.ipv6 }, Uint8Array.of(1), tags);
    expect(frame).toStrictEqual(fromHex('020000000001 020000000002 88a8 0064 8100 b007 86dd 01'));
    expect(parseEthernet(frame)).toMatchObject({ etherType: ETHERTYPE.qinq });
  });

  test('reading what was built gives it back', () => {
    const tag = fc.record(
      {
        id: fc.nat(0xfff),
        priority: fc.nat(7),
        dropEligible: fc.boolean(),
        tagProtocol: fc.constantFrom(ETHERTYPE.vlan, ETHERTYPE.qinq),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 2 }), payload, (tags, data) => {
        const frame = buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, data, tags);
        const headerBytes = 14 + 4 * tags.length;
        expect(parseTaggedEthernet(frame)).toStrictEqual({
          ...macs,
          etherType: ETHERTYPE.ipv4,
          tags,
          headerBytes,
        });
        expect(frame.subarray(headerBytes)).toStrictEqual(data);
      }),
    );
  });

  test('a third tag is payload, and half a tag a fault', () => {
    const tags = [{ id: 1 }, { id: 2 }, { id: 3 }];
    const frame = buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, new Uint8Array(0), tags);
    expect(parseTaggedEthernet(frame)).toMatchObject({ etherType: ETHERTYPE.vlan, headerBytes: 22 });
    expect(parseTaggedEthernet(frame.subarray(0, 17))).toBe('vlan-truncated');
  });
});

const headerWithOptions = (...options: number[]): Uint8Array => {
  const bytes = new Uint8Array(24);
  bytes.set(options, 20);
  return bytes;
};

describe('malformed bytes give a fault', () => {
  const segment = buildTcp({
    source: ipv4('198.51.100.2'),
    destination: ipv4('192.0.2.10'),
    sourcePort: 40000,
    destinationPort: 80,
    flags: TCP_FLAGS.syn,
  });
  const packet = buildIpv4(
    { source: ipv4('198.51.100.2'), destination: ipv4('192.0.2.10'), protocol: PROTOCOL.tcp },
    segment,
  );
  const changed = (at: number, value: number): Uint8Array => {
    const copy = packet.slice();
    copy[at] = value;
    return copy;
  };

  test.each([
    ['cut in the header', packet.subarray(0, 19), 'ip-truncated'],
    ['empty', new Uint8Array(0), 'ip-truncated'],
    ['cut behind the header', packet.subarray(0, 39), 'ip-total-length'],
    ['version 6', changed(0, 0x65), 'ip-version'],
    ['ihl 4', changed(0, 0x44), 'ip-header-length'],
    ['ihl 15', changed(0, 0x4f), 'ip-header-length'],
    ['total length 19', changed(3, 19), 'ip-total-length'],
  ])('IPv4: %s', (_, bytes, fault) => {
    expect(parseIpv4Header(bytes)).toBe(fault);
  });

  test('the transport headers', () => {
    expect(parseTcp(segment.subarray(0, 19), 0)).toBe('tcp-truncated');
    expect(parseTcp(packet, 20, 39)).toBe('tcp-truncated');
    const short = segment.slice();
    short[12] = 0x40;
    expect(parseTcp(short, 0)).toBe('tcp-header-length');
    short[12] = 0x60;
    expect(parseTcp(short, 0)).toBe('tcp-header-length');
    expect(parseUdp(new Uint8Array(7), 0)).toBe('udp-truncated');
    expect(parseUdp(new Uint8Array(8), 0)).toBe('udp-length');
    expect(parseIcmp(new Uint8Array(7), 0)).toBe('icmp-truncated');
    expect(parseArp(new Uint8Array(27))).toBe('arp-truncated');
    expect(parseArp(new Uint8Array(28))).toBe('arp-kind');
    expect(parseEthernet(new Uint8Array(13))).toBe('ethernet-truncated');
  });

  test('TCP options that run on or have no length end the list', () => {
    expect(tcpOptions(headerWithOptions(2, 5, 1, 1), 0, 24)).toStrictEqual([]);
    expect(tcpOptions(headerWithOptions(2, 0, 1, 1), 0, 24)).toStrictEqual([]);
    expect(tcpOptions(headerWithOptions(1, 1, 1, 2), 0, 24)).toHaveLength(3);
    expect(tcpMss(headerWithOptions(2, 3, 5, 0), 0, 24)).toBeUndefined();
  });

  test('no bytes make a parser throw', () => {
    const parsers = [
      parseIpv4Header,
      parseQuotedIpv4Header,
      parseArp,
      parseEthernet,
      parseTaggedEthernet,
      (bytes: Uint8Array) => parseTcp(bytes, 0),
      (bytes: Uint8Array) => parseTcp(bytes, 30, 25),
      (bytes: Uint8Array) => parseUdp(bytes, 0),
      (bytes: Uint8Array) => parseIcmp(bytes, 0),
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const parse of parsers) {
          const parsed = parse(bytes);
          if (isFault(parsed)) expect(Object.keys(PARSE_FAULTS)).toContain(parsed);
        }
        tcpOptions(bytes, 0, 60);
      }),
      { numRuns: 2000 },
    );
  });
});
