import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { concatBytes } from '../../../src/net/bytes.ts';
import { describeDifference } from '../../../src/net/describe/describe-difference.ts';
import { describeFrame, describePacket } from '../../../src/net/describe/describe-packet.ts';
import { buildGue } from '../../../src/net/headers/gue.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
import { kernelPackets } from './kernel-packets.ts';
import { fromHex, u8 } from './values.ts';

// Frames that tshark 4.0 decodes to the same fields and finds right in every checksum; GUE, which it does not know, it shows as
// the data of a right UDP datagram.
const frames = [
  [
    'IPv6 in GRE with checksum and key in IPv4',
    `020000000001020000000002080045b80060000100003f2f63b30a0000020a000302a00086dd441d00000000
     00056b8123450018063f20010db800000000000000000000000c20010db800010000000000000000000a9c40
     01bb00000001000000006002ffff9eb50000020405a0`,
    `Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, type 0x0800, 110 bytes
  IPv4 10.0.0.2 > 10.0.3.2, length 96
    id 0x0001, flags [], offset 0, ttl 63, tos 0xb8, protocol 47, checksum 0x63b3 good
    GRE type 0x86dd, checksum 0x441d good, key 0x00000005
      IPv6 2001:db8::c > 2001:db8:1::a, length 64
        hop limit 63, class 0xb8, flow 0x12345, next header 6
        TCP 40000 > 443 [SYN]
          seq 1, ack 0, window 65535, checksum 0x9eb5 good
          options [mss 1440]`,
  ],
  [
    'IPv4 in GUE with a remote checksum in IPv6',
    `02000000000102000000000286dd6000000000321140fd000000000000000000000000000002fd0000030000
     00000000000000000002c35017c000321e6002040001800000000014001a4500001e0000000040118e8fc633
     6402c000020a9c400035000aec5b0102`,
    `Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, type 0x86dd, 104 bytes
  IPv6 fd00::2 > fd00:3::2, length 90
    hop limit 64, class 0x00, flow 0x00000, next header 17
    UDP 50000 > 6080, length 50, checksum 0x1e60 good
      GUE protocol 4, remote checksum from 20 at 26, sent as 0xec5b
        IPv4 198.51.100.2 > 192.0.2.10, length 30
          id 0x0000, flags [], offset 0, ttl 64, tos 0x00, protocol 17, checksum 0x8e8f good
          UDP 40000 > 53, length 10, checksum 0x7622 good
            data, 2 bytes: 01 02`,
  ],
  [
    'SCTP over IPv6 in IPv4 behind a VLAN tag',
    `0200000000010200000000028100a007080045000064000200004029636c0a0000020a000302600000000028
     844020010db800000000000000000000000c20010db800010000000000000000000a9c4000500000000754a7
     b6dd0a000007010203000003001200000000000000000000000000000000`,
    `Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, VLAN 7 priority 5, type 0x0800, 118 bytes
  IPv4 10.0.0.2 > 10.0.3.2, length 100
    id 0x0002, flags [], offset 0, ttl 64, tos 0x00, protocol 41, checksum 0x636c good
    IPv6 2001:db8::c > 2001:db8:1::a, length 80
      hop limit 64, class 0x00, flow 0x00000, next header 132
      SCTP 40000 > 80, tag 0x00000007, checksum 0x54a7b6dd good
        chunks [cookieEcho 3 bytes, data flags 0x03 14 bytes]`,
  ],
  [
    'packet too big with the packet that it quotes',
    `02000000000102000000000286dd6000000000403a4020010db800010000000000000000000a20010db80000
     0000000000000000000c0200ada2000005b46b8123450018063f20010db800000000000000000000000c2001
     0db800010000000000000000000a9c4001bb00000001000000006002ffff`,
    `Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, type 0x86dd, 118 bytes
  IPv6 2001:db8:1::a > 2001:db8::c, length 104
    hop limit 64, class 0x00, flow 0x00000, next header 58
    ICMPv6 type 2 code 0 (packetTooBig), MTU 1460, checksum 0xada2 good
      IPv6 2001:db8::c > 2001:db8:1::a, length 64
        hop limit 63, class 0xb8, flow 0x12345, next header 6
        cut off after 56 bytes
        TCP MALFORMED: fewer than 20 bytes of TCP header
          data, 16 bytes: 9c 40 01 bb 00 00 00 01 00 00 00 00 60 02 ff ff`,
  ],
  [
    'the first outer fragment of IPv4 in IPv6',
    `02000000000102000000000286dd6000000000202c40fd000000000000000000000000000002fd0000030000
     000000000000000000020400000100000abc4500001e0000000040118e8fc6336402c000020a9c400035`,
    `Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, type 0x86dd, 86 bytes
  IPv6 fd00::2 > fd00:3::2, length 72
    hop limit 64, class 0x00, flow 0x00000, next header 44
    extension headers 04 00 00 01 00 00 0a bc, then protocol 4
      fragment of id 0x00000abc, offset 0, more follow
    IPv4 198.51.100.2 > 192.0.2.10, length 30
      id 0x0000, flags [], offset 0, ttl 64, tos 0x00, protocol 17, checksum 0x8e8f good
      cut off after 24 bytes
      UDP MALFORMED: fewer than 8 bytes of UDP header
        data, 4 bytes: 9c 40 00 35`,
  ],
  [
    'IPv4 in IPv6',
    `02000000000102000000000286dd60000000001e0440fd000000000000000000000000000002fd0000030000
     000000000000000000024500001e0000000040118e8fc6336402c000020a9c400035000a76220102`,
    `Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, type 0x86dd, 84 bytes
  IPv6 fd00::2 > fd00:3::2, length 70
    hop limit 64, class 0x00, flow 0x00000, next header 4
    IPv4 198.51.100.2 > 192.0.2.10, length 30
      id 0x0000, flags [], offset 0, ttl 64, tos 0x00, protocol 17, checksum 0x8e8f good
      UDP 40000 > 53, length 10, checksum 0x7622 good
        data, 2 bytes: 01 02`,
  ],
] as const;

test.each(frames)('%s', (_, hex, description) => {
  expect(describeFrame(fromHex(hex))).toBe(description);
});

test.each([
  [
    'listenerReport',
    [
      'IPv6 fe80::ff:fe00:2 > ff02::16, length 76',
      '  hop limit 1, class 0x00, flow 0x00000, next header 0',
      '  extension headers 3a 00 05 02 00 00 01 00, then protocol 58',
      '  ICMPv6 type 143 code 0 (unknown type), rest 0x00000001, checksum 0x7205 good',
      '    data, 20 bytes: 04 00 00 00 ff 02 00 00 00 00 00 00 00 00 00 01 ff 00 00 02',
    ],
  ],
  [
    'solicitation',
    [
      'IPv6 2001:db8::1 > ff02::1:ff00:2, length 72',
      '  hop limit 255, class 0x00, flow 0x00000, next header 58',
      '  ICMPv6 type 135 code 0 (neighbourSolicitation), rest 0x00000000, checksum 0x1c27 good',
      '    who has 2001:db8::2, asked from 02:00:00:00:00:01',
    ],
  ],
  [
    'advertisement',
    [
      'IPv6 2001:db8::2 > 2001:db8::1, length 72',
      '  hop limit 255, class 0x00, flow 0x00000, next header 58',
      '  ICMPv6 type 136 code 0 (neighbourAdvertisement), rest 0x60000000, checksum 0x8a71 good',
      '    2001:db8::2 is at 02:00:00:00:00:02 [solicited override]',
    ],
  ],
  [
    'portUnreachableBehindOptions',
    [
      'IPv6 2001:db8::2 > 2001:db8::1, length 107',
      '  hop limit 64, class 0x00, flow 0x33fa7, next header 58',
      '  ICMPv6 type 1 code 4 (destinationUnreachable), rest 0x00000000, checksum 0x8140 good',
      '    IPv6 2001:db8::1 > 2001:db8::2, length 59',
      '      hop limit 64, class 0x00, flow 0xf737e, next header 60',
      '      extension headers 11 00 01 04 00 00 00 00, then protocol 17',
      '      UDP 34360 > 9, length 11, checksum 0x45ae good',
      '        data, 3 bytes: 64 73 74',
    ],
  ],
  [
    'lastFragment',
    [
      'IPv6 2001:db8::1 > 2001:db8::2, length 108',
      '  hop limit 64, class 0x00, flow 0xbc9b7, next header 44',
      '  extension headers 11 00 05 a8 14 f5 57 e4, then protocol 17',
      '    fragment of id 0x14f557e4, offset 1448',
      '  data, 60 bytes: be bf c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 ca cb cc cd ce cf d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 da db dc dd ...',
    ],
  ],
] as const)('%s of the kernel', (name, lines) => {
  expect(describePacket(kernelPackets[name])).toBe(lines.join('\n'));
});

const changed = (packet: Uint8Array, at: number, value: number): string => {
  const copy = packet.slice();
  copy[at] = value;
  return describePacket(copy);
};

test('what is wrong in IPv6 is named', () => {
  expect(changed(kernelPackets.echoRequest, 51, 0)).toContain('checksum 0x566e WRONG');
  expect(changed(kernelPackets.solicitation, 7, 254)).toContain(
    'INVALID: neighbour discovery with a hop limit',
  );
  expect(changed(kernelPackets.listenerReport, 41, 9)).toContain('extension headers MALFORMED');
  expect(changed(kernelPackets.udp, 5, 9)).toMatch(/1 bytes after the packet$/);
  expect(describePacket(kernelPackets.udp.subarray(0, 49))).toContain('TRUNCATED after 49 bytes');
  expect(describePacket(kernelPackets.udp.subarray(0, 39))).toContain('IPv6 MALFORMED: fewer than 40 bytes');
});

test('GUE is looked for behind the ports that are given', () => {
  const ends = { source: ipv4('10.0.0.2'), destination: ipv4('10.0.3.2') };
  const payload = buildGue({ protocol: PROTOCOL.ipv6 }, kernelPackets.echoRequest);
  const datagram = buildUdp({
    ...ends,
    sourcePort: 50000,
    destinationPort: 7000,
    payload,
    withChecksum: false,
  });
  const packet = buildIpv4({ ...ends, protocol: PROTOCOL.udp }, datagram);
  expect(describePacket(packet)).toContain('checksum 0x0000 (none)\n    data, 56 bytes');
  expect(describePacket(packet, { guePorts: [7000] })).toMatch(
    /GUE protocol 41\n {6}IPv6 .*\n.*\n.*echoRequest/,
  );
});

const nested = (depth: number): Uint8Array =>
  Array.from({ length: depth }).reduce<Uint8Array>(
    (inner) =>
      buildIpv4({ source: ipv4('10.0.0.1'), destination: ipv4('10.0.0.2'), protocol: PROTOCOL.ipip }, inner),
    new Uint8Array(0),
  );

test('packets in packets are looked into eight deep, however many there are', () => {
  const text = describePacket(nested(3000));
  expect(text.match(/IPv4 10/g)).toHaveLength(8);
  expect(text).toContain(`data, ${2992 * 20} bytes`);
});

test('a difference of IPv6 packets shows both side by side', () => {
  const other = kernelPackets.echoRequest.slice();
  other[7] = 63;
  const text = describeDifference(kernelPackets.echoRequest, other) ?? '';
  expect(text).toMatch(/hop limit 64, .* ! {3}hop limit 63/);
  expect(text).toContain('first difference at byte 7: 0x40 and 0x3f');
});

test('any bytes in place of any part of a packet can be described', () => {
  const packets = [...frames.map(([, hex]) => fromHex(hex).subarray(14)), ...Object.values(kernelPackets)];
  fc.assert(
    fc.property(
      fc.constantFrom(...packets),
      fc.array(fc.tuple(fc.nat(120), u8), { maxLength: 6 }),
      fc.nat(140),
      (packet, changes, length) => {
        const bytes = concatBytes(packet).subarray(0, length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        expect(describePacket(bytes)).not.toBe('');
        expect(describeFrame(bytes)).not.toBe('');
      },
    ),
    { numRuns: 2000 },
  );
});
