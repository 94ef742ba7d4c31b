// The build of the fast path that finishes checksums, by BPF_PROG_TEST_RUN: what it makes of frames with unfinished ones is
// what it makes of the same frames with finished ones; what is for no service stays as it is.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finishUnfinished } from '../../../src/dataplane/xdp/tap/finish-checksum.ts';
import { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { type IpAddress, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { readU16, writeU16 } from '../../../src/net/bytes.ts';
import { foldChecksum, pseudoHeaderSum } from '../../../src/net/checksum.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
import { INGRESS_IF_INDEX, LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import {
  DIRECTOR,
  DIRECTOR_MAC,
  NEXT_HOP_MAC,
  STANDARD_TABLE,
} from '../../unit/forwarding/forwarder/fixture.ts';
import { ipBetween } from '../xdp-plane/ip-packets.ts';

const OBJECT = 'build/bpf/director-finishing.bpf.o';
const CAPACITY = { slots: 1 << 20, flows: 1 << 10 };
const CLIENT = { 4: ip('198.51.100.7'), 6: ip('2001:db8:c::7') } as const;
const VIP = { 4: ip('192.0.2.200'), 6: ip('2001:db8:10::200') } as const;
const FAMILIES = [4, 6] as const;
const PROTOCOLS = ['tcp', 'udp'] as const;
const CASES = FAMILIES.flatMap((family) =>
  PROTOCOLS.flatMap((protocol) => [false, true].map((tagged) => ({ family, protocol, tagged }))),
);
const SIZES = [0, 1, 2, 3, 4, 17, 100, 471, 472, 473, 511, 512, 513, 984, 1023, 1024, 1025, 1400];
/** Behind the Ethernet header, which has no tag on the way out, and the outer one of IPv4. */
const INNER_AT = 34;
const missing = whyNotLoadable();

interface Framed {
  readonly finished: Uint8Array;
  readonly unfinished: Uint8Array;
}

describe.skipIf(missing !== undefined)(
  `unfinished checksums at the fast path (${missing ?? 'loadable'})`,
  () => {
    let director: LoadedDirector;

    beforeAll(() => {
      director = new LoadedDirector(CAPACITY, OBJECT);
      const image = new ForwardingImage(director.memory);
      const [standard] = STANDARD_TABLE.services;
      if (standard === undefined) throw new Error('the standard table is empty');
      const services = FAMILIES.flatMap((family) =>
        PROTOCOLS.map((protocol) => ({ ...standard, vip: VIP[family], protocol, port: 80 })),
      );
      image.setNow(1000);
      image.apply({ ...STANDARD_TABLE, services }, 1000);
      for (const { index } of image.reals()) {
        const resolved = { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: INGRESS_IF_INDEX };
        image.setPath(index, { sourceAddress: DIRECTOR, mtuBytes: 1500, resolved });
      }
    });
    afterAll(() => director?.[Symbol.dispose]());

    test.each(CASES)('$protocol over IPv$family, tagged: $tagged', (kind) => {
      for (const bytes of SIZES) {
        const { finished, unfinished } = framed({ ...kind, bytes, destination: VIP[kind.family] });
        const expected = director.run(finished);
        const got = director.run(unfinished);
        expect([expected.verdict, got.verdict]).toEqual(['sent', 'sent']);
        // What the tunnel carries: the outer ID counts on.
        expect(Buffer.compare(got.frame.subarray(INNER_AT), expected.frame.subarray(INNER_AT))).toBe(0);
        const copy = unfinished.slice();
        finishUnfinished(copy);
        expect(Buffer.compare(copy, finished)).toBe(0);
      }
    });

    test.each(CASES)('$protocol over IPv$family for no service is left alone, tagged: $tagged', (kind) => {
      const { unfinished } = framed({ ...kind, bytes: 100, destination: CLIENT[kind.family] });
      expect(director.run(unfinished)).toMatchObject({ verdict: 'passed', frame: unfinished });
    });

    test('a checksum that is wrong in another way is not made right', () => {
      const { finished, unfinished } = framed({
        family: 4,
        protocol: 'tcp',
        tagged: false,
        bytes: 50,
        destination: VIP[4],
      });
      const at = checksumAt(4, 'tcp', false);
      const wrong = unfinished.slice();
      writeU16(wrong, at, readU16(finished, at) ^ 0x0100);
      const { frame } = director.run(wrong);
      expect(readU16(frame, at + 20)).toBe(readU16(wrong, at));
      const copy = wrong.slice();
      finishUnfinished(copy);
      expect(copy).toEqual(wrong);
    });

    test('a datagram without a checksum stays without one', () => {
      const { finished } = framed({
        family: 4,
        protocol: 'udp',
        tagged: false,
        bytes: 50,
        destination: VIP[4],
      });
      const at = checksumAt(4, 'udp', false);
      writeU16(finished, at, 0);
      expect(readU16(director.run(finished).frame, at + 20)).toBe(0);
    });
  },
);

function framed(kind: {
  readonly family: IpFamily;
  readonly protocol: 'tcp' | 'udp';
  readonly tagged: boolean;
  readonly bytes: number;
  readonly destination: IpAddress;
}): Framed {
  const { family, protocol, tagged, bytes, destination } = kind;
  const ends = { source: CLIENT[family], destination };
  const fields = { ...ends, sourcePort: 40_000 + bytes, destinationPort: 80 };
  const payload = Uint8Array.from({ length: bytes }, (_, i) => (i * 73 + bytes) & 0xff);
  const segment =
    protocol === 'tcp'
      ? buildTcp({ ...fields, flags: TCP_FLAGS.ack, payload })
      : buildUdp({ ...fields, payload });
  const packet = ipBetween(ends, PROTOCOL[protocol], segment);
  const macs = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC };
  const etherType = family === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6;
  const finished = buildEthernet({ ...macs, etherType }, packet, tagged ? [{ id: 100 }] : []);
  const unfinished = finished.slice();
  const pseudo = pseudoHeaderSum(ends.source, destination, PROTOCOL[protocol], segment.length);
  writeU16(unfinished, checksumAt(family, protocol, tagged), ~foldChecksum(pseudo) & 0xffff);
  return { finished, unfinished };
}

function checksumAt(family: IpFamily, protocol: 'tcp' | 'udp', tagged: boolean): number {
  return 14 + (tagged ? 4 : 0) + (family === 4 ? 20 : 40) + (protocol === 'tcp' ? 16 : 6);
}
