// Which frames the fast path takes for answers to checks, by BPF_PROG_TEST_RUN: everything else has to stay the host's.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CheckWords } from '../../../src/dataplane/xdp/checks/check-words.ts';
import { type IpAddress, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { concatBytes, writeU16 } from '../../../src/net/bytes.ts';
import { ICMP_TYPE } from '../../../src/net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../../src/net/headers/icmpv6.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
import { frameOf } from '../../fuzz/frame.ts';
import { LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import { DIRECTOR_MAC, NEXT_HOP_MAC } from '../../unit/forwarding/forwarder/fixture.ts';
import { echo } from '../xdp-plane/echo.ts';
import { type Ends, ipBetween } from '../xdp-plane/ip-packets.ts';

const missing = whyNotLoadable();
const VIP = { 4: ip('192.0.2.10'), 6: ip('2001:db8:10::10') } as const;
const OTHER_VIP = { 4: ip('192.0.2.11'), 6: ip('2001:db8:10::11') } as const;
const OWN = { 4: ip('10.0.0.2'), 6: ip('2001:db8::2') } as const;
const OTHER_OWN = { 4: ip('10.0.0.3'), 6: ip('2001:db8::3') } as const;
const PORTS = { vip: 80, own: 20_000 } as const;
const FAMILIES = [4, 6] as const;
const FRAGMENT_HEADER = 44;

describe.skipIf(missing !== undefined)(`answers to checks (${missing ?? 'loadable'})`, () => {
  let director: LoadedDirector;
  let words: CheckWords;

  beforeAll(() => {
    director = new LoadedDirector({ slots: 1 << 16, flows: 1 << 12 });
  });
  beforeEach(() => {
    director.clear();
    words = new CheckWords(director.checkWords);
    for (const family of FAMILIES) {
      const source = OWN[family];
      words.set({ protocol: 'tcp', localPort: PORTS.own, source }, { vip: VIP[family], port: PORTS.vip });
      words.set({ protocol: 'udp', localPort: PORTS.own, source }, { vip: VIP[family], port: PORTS.vip });
      words.set({ protocol: 'icmp', localPort: 77, source }, { vip: VIP[family], port: 0 });
    }
  });
  afterAll(() => director?.[Symbol.dispose]());

  function isTaken(packet: Uint8Array, tag?: number): boolean {
    const link = { destination: DIRECTOR_MAC, source: NEXT_HOP_MAC, ...(tag !== undefined && { tag }) };
    return director.run(frameOf(link, packet)).verdict === 'handed over';
  }

  describe.each(FAMILIES)('IPv%i', (family) => {
    const back: Ends = { source: VIP[family], destination: OWN[family] };

    test.each(['tcp', 'udp'] as const)('%s of the check alone', (protocol) => {
      expect(isTaken(answer(protocol, back))).toBe(true);
      expect(isTaken(answer(protocol, back), 7)).toBe(true);
      const others: readonly [Ends, Ports?][] = [
        [{ ...back, source: OTHER_VIP[family] }],
        [{ ...back, destination: OTHER_OWN[family] }],
        [{ source: back.destination, destination: back.source }],
        [back, { vip: 81 }],
        [back, { own: 20_001 }],
      ];
      for (const [ends, ports] of others) expect(isTaken(answer(protocol, ends, ports))).toBe(false);
      words.clear({ protocol, localPort: PORTS.own, source: OWN[family] });
      expect(isTaken(answer(protocol, back))).toBe(false);
    });

    test('the echo reply of the check alone', () => {
      const payload = new Uint8Array(8);
      const reply = (rest: number, ends: Ends = back): Uint8Array => echo(ends, 'reply', { rest, payload });
      expect(isTaken(reply((77 << 16) | 1))).toBe(true);
      expect(isTaken(reply((78 << 16) | 1))).toBe(false);
      expect(isTaken(reply((77 << 16) | 1, { ...back, source: OTHER_VIP[family] }))).toBe(false);
      expect(isTaken(echo(back, 'request', { rest: (77 << 16) | 1, payload }))).toBe(false);
    });

    test('errors that quote a packet of the check, from anywhere', () => {
      const sent: Ends = { source: OWN[family], destination: VIP[family] };
      const quoted = answer('tcp', sent, { vip: PORTS.own, own: PORTS.vip });
      const from = family === 4 ? ip('203.0.113.9') : ip('2001:db8:ffff::9');
      const ends = { source: from, destination: OWN[family] };
      expect(isTaken(error(ends, quoted))).toBe(true);
      expect(isTaken(error({ ...ends, destination: OTHER_OWN[family] }, quoted))).toBe(false);
      const otherPort = answer('tcp', sent, { vip: PORTS.own + 1, own: PORTS.vip });
      expect(isTaken(error(ends, otherPort))).toBe(false);
      expect(isTaken(error(ends, answer('tcp', { ...sent, destination: OTHER_VIP[family] })))).toBe(false);
    });

    test('later fragments of its answer alone', () => {
      const [first, later, last] = fragments(family, back, 4711) as [Uint8Array, Uint8Array, Uint8Array];
      const [foreign] = fragments(family, { ...back, source: OTHER_VIP[family] }, 4711) as [Uint8Array];
      const [, otherId] = fragments(family, back, 4712) as [Uint8Array, Uint8Array];
      expect(isTaken(later)).toBe(false);
      expect(isTaken(foreign)).toBe(false);
      expect(isTaken(first)).toBe(true);
      expect(isTaken(later)).toBe(true);
      expect(isTaken(last)).toBe(true);
      expect(isTaken(otherId)).toBe(false);
    });
  });
});

type Ports = Partial<Record<keyof typeof PORTS, number>>;

/** A packet from the VIP's port to the check's. */
function answer(protocol: 'tcp' | 'udp', ends: Ends, ports: Ports = {}, bytes = 0): Uint8Array {
  const segment = {
    ...ends,
    sourcePort: ports.vip ?? PORTS.vip,
    destinationPort: ports.own ?? PORTS.own,
    payload: new Uint8Array(bytes),
  };
  const payload =
    protocol === 'tcp' ? buildTcp({ ...segment, flags: TCP_FLAGS.syn | TCP_FLAGS.ack }) : buildUdp(segment);
  return ipBetween(ends, PROTOCOL[protocol], payload);
}

/** Destination unreachable; whose checksum does not matter here. */
function error(ends: Ends, quoted: Uint8Array): Uint8Array {
  const isIpv6 = (quoted[0] ?? 0) >> 4 === 6;
  const head = new Uint8Array(8);
  head[0] = isIpv6 ? ICMPV6_TYPE.destinationUnreachable : ICMP_TYPE.destinationUnreachable;
  const protocol = isIpv6 ? PROTOCOL.icmpv6 : PROTOCOL.icmp;
  return ipBetween(ends, protocol, concatBytes(head, quoted));
}

/** A UDP answer in three fragments of 64 bytes or less. */
function fragments(family: IpFamily, ends: { source: IpAddress; destination: IpAddress }, id: number) {
  const whole = answer('udp', ends, {}, 150);
  const header = family === 4 ? 20 : 40;
  return [0, 64, 128].map((offset) => {
    const part = whole.subarray(header + offset, header + offset + 64);
    const more = offset < 128 ? 1 : 0;
    if (family === 6) {
      const fragment = Uint8Array.of(PROTOCOL.udp, 0, 0, 0, 0, 0, id >> 8, id & 0xff);
      writeU16(fragment, 2, offset | more);
      return ipBetween(ends, FRAGMENT_HEADER, concatBytes(fragment, part));
    }
    const packet = ipBetween(ends, PROTOCOL.udp, part);
    writeU16(packet, 4, id);
    writeU16(packet, 6, (more << 13) | (offset / 8));
    return packet;
  });
}
