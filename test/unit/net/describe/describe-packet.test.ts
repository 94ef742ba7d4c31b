import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { describeDifference } from '../../../../src/net/describe/describe-difference.ts';
import { describeFrame, describePacket } from '../../../../src/net/describe/describe-packet.ts';
import { buildEthernet, ETHERTYPE } from '../../../../src/net/headers/ethernet.ts';
import { buildIcmp } from '../../../../src/net/headers/icmp.ts';
import { buildIpv4, PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildTcp, mssOption, TCP_FLAGS } from '../../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../../src/net/headers/udp.ts';

const client = ipv4('198.51.100.2');
const vip = ipv4('192.0.2.10');
const ports = { sourcePort: 40000, destinationPort: 80 };
const syn = buildIpv4(
  { source: client, destination: vip, protocol: PROTOCOL.tcp, dontFragment: true, id: 7 },
  buildTcp({
    source: client,
    destination: vip,
    ...ports,
    sequence: 1000,
    flags: TCP_FLAGS.syn,
    options: mssOption(1460),
  }),
);

test('a SYN inside the tunnel', () => {
  const outer = buildIpv4(
    { source: ipv4('10.0.0.2'), destination: ipv4('10.0.3.2'), protocol: PROTOCOL.ipip },
    syn,
  );
  expect(describePacket(outer)).toBe(
    [
      'IPv4 10.0.0.2 > 10.0.3.2, length 64',
      '  id 0x0000, flags [], offset 0, ttl 64, tos 0x00, protocol 4, checksum 0x63b7 good',
      '  IPv4 198.51.100.2 > 192.0.2.10, length 44',
      '    id 0x0007, flags [DF], offset 0, ttl 64, tos 0x00, protocol 6, checksum 0x4e85 good',
      '    TCP 40000 > 80 [SYN]',
      '      seq 1000, ack 0, window 65535, checksum 0x0b6e good',
      '      options [mss 1460]',
    ].join('\n'),
  );
});

test('fragmentation needed with the packet that it quotes', () => {
  const big = buildIpv4(
    { source: client, destination: vip, protocol: PROTOCOL.tcp, dontFragment: true },
    buildTcp({
      source: client,
      destination: vip,
      ...ports,
      flags: TCP_FLAGS.ack,
      payload: new Uint8Array(1460),
    }),
  );
  const answer = buildIpv4(
    { source: vip, destination: client, protocol: PROTOCOL.icmp, tos: 0xc0 },
    buildIcmp({ type: 3, code: 4, rest: 1480, payload: big.subarray(0, 548) }),
  );
  const text = describePacket(answer);
  expect(text).toContain('ICMP type 3 code 4 (destinationUnreachable), fragmentation needed, MTU 1480');
  expect(text).toContain('IPv4 198.51.100.2 > 192.0.2.10, length 1500');
  expect(text).toContain('cut off after 548 bytes');
  expect(text).toContain('TCP 40000 > 80 [ACK]');
  expect(text).not.toContain('WRONG');
});

test('wrong checksums, lengths and trailing bytes are named', () => {
  const wrong = new Uint8Array(syn.length + 6);
  wrong.set(syn);
  wrong[8] = 63;
  wrong[25] = 1;
  expect(describePacket(wrong)).toMatch(
    /checksum 0x\w+ WRONG[^]*checksum 0x\w+ WRONG[^]*6 bytes after the packet/,
  );
  expect(describePacket(syn.subarray(0, 30))).toMatch(/TRUNCATED after 30 bytes[^]*TCP MALFORMED/);
  expect(describePacket(syn.subarray(0, 10))).toContain('IPv4 MALFORMED: fewer than 20 bytes');
});

test('frames: UDP, ARP and what is neither', () => {
  const udp = buildIpv4(
    { source: client, destination: vip, protocol: PROTOCOL.udp },
    buildUdp({
      source: client,
      destination: vip,
      sourcePort: 5353,
      destinationPort: 53,
      payload: Uint8Array.of(1, 2),
    }),
  );
  const macs = { destination: Uint8Array.of(2, 0, 0, 0, 0, 1), source: Uint8Array.of(2, 0, 0, 0, 0, 2) };
  expect(describeFrame(buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, udp))).toMatch(
    /^Ethernet 02:00:00:00:00:02 > 02:00:00:00:00:01, type 0x0800, 44 bytes\n[^]*UDP 5353 > 53, length 10, checksum 0x\w+ good\n.*01 02$/,
  );
  expect(describeFrame(buildEthernet({ ...macs, etherType: 0x88cc }, Uint8Array.of(9)))).toContain(
    'data, 1 bytes: 09',
  );
});

test('any bytes can be described', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, likeIp) => {
      if (likeIp && bytes.length > 0) bytes[0] = 0x45;
      expect(describePacket(bytes)).not.toBe('');
      expect(describeFrame(bytes)).not.toBe('');
    }),
    { numRuns: 1000 },
  );
});

test('a difference shows both packets side by side', () => {
  const other = syn.slice();
  other[1] = 4;
  expect(describeDifference(syn, syn.slice())).toBeUndefined();
  const text = describeDifference(syn, other) ?? '';
  expect(text).toMatch(/tos 0x00.*good +! .*tos 0x04.*WRONG/);
  expect(text).toContain('first difference at byte 1: 0x00 and 0x04');
  expect(describeDifference(syn, syn.subarray(0, 43))).toContain('at byte 43: 0xb4 and the end');
});
