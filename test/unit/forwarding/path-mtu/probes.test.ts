import { describe, expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import type { RealEntry } from '../../../../src/forwarding/image/forwarding-image.ts';
import {
  probePaths,
  takeProbeReply,
  takeProbeReplyMessage,
} from '../../../../src/forwarding/path-mtu/messages.ts';
import { PathProbes } from '../../../../src/forwarding/path-mtu/probes.ts';
import { learnPathMtu } from '../../../../src/forwarding/path-mtu/report.ts';
import type { ForwarderState } from '../../../../src/forwarding/state.ts';
import { type IpAddress, ip, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../../src/net/address/ipv6-address.ts';
import { readU16 } from '../../../../src/net/bytes.ts';
import { buildIcmp } from '../../../../src/net/headers/icmp.ts';
import { buildIcmpv6 } from '../../../../src/net/headers/icmpv6.ts';
import { buildIpv4 } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../../src/net/headers/ipv6.ts';
import { CLIENT, DIRECTOR, DIRECTOR_6, NOW_MS, standardState, VIP } from '../forwarder/fixture.ts';
import { tcp } from '../forwarder/packets.ts';
import { VIP_6 } from '../forwarder/packets6.ts';
import { TUNNEL_CASES, type TunnelCase, tunnelImage } from '../forwarder/tunnels.ts';

const REPORTED = 1300;
const OTHER_FAMILY = { 4: ipv4('10.0.0.3'), 6: ip('2001:db8:0:1::3') } as const;

function shortReport(outer: Uint8Array): Uint8Array {
  if ((outer[0] as number) >> 4 === 4) {
    const message = buildIcmp({ type: 3, code: 4, rest: REPORTED, payload: outer.subarray(0, 28) });
    return buildIpv4({ source: ipv4('10.9.9.9'), destination: DIRECTOR, protocol: 1 }, message);
  }
  const addresses = { source: ip('2001:db8:9::9') as Ipv6Address, destination: DIRECTOR_6 };
  const fields = { ...addresses, type: 2, code: 0, rest: REPORTED, payload: outer.subarray(0, 48) };
  return buildIpv6({ ...addresses, nextHeader: 58 }, buildIcmpv6(fields));
}

/** A state that a short report about this tunnel has come to. */
function asked({ port }: TunnelCase): ForwarderState {
  const state = standardState(tunnelImage());
  state.ownAddresses.add(OTHER_FAMILY[4]);
  state.ownAddresses.add(OTHER_FAMILY[6]);
  const decision = decide(tcp(port), state, NOW_MS);
  const outer = decision.verdict === 'forward' ? (decision.packets[0] as Uint8Array) : new Uint8Array(0);
  expect(learnPathMtu(shortReport(outer), state, NOW_MS).outcome).toBe('needs-probe');
  return state;
}

/** What the real answers to a probe: the echo request behind the headers of the tunnel, turned round. */
function replyTo(probe: Uint8Array): Uint8Array {
  const at = probe.indexOf(0x45, 20);
  const inner = probe.subarray(at);
  expect(readU16(inner, 2)).toBe(inner.length);
  const payload = inner.subarray(28);
  const message = buildIcmp({
    type: 0,
    code: 0,
    rest: readU16(inner, 24) * 0x10000 + readU16(inner, 26),
    payload,
  });
  return buildIpv4({ source: VIP, destination: DIRECTOR, protocol: 1 }, message);
}

function mtuOf(state: ForwarderState, { port }: TunnelCase): number | undefined {
  for (const { service, mtuBytes } of state.image.reals()) if (service.port === port) return mtuBytes;
  return undefined;
}

describe.each(TUNNEL_CASES)('probes in $name', (to) => {
  test('are of the reported size and of a byte more, three times', () => {
    const state = asked(to);
    const sizes = (nowMs: number): number[] => probePaths(state, nowMs).packets.map(({ length }) => length);
    expect(sizes(NOW_MS)).toEqual([REPORTED, REPORTED + 1]);
    expect(sizes(NOW_MS + 999)).toEqual([]);
    expect(sizes(NOW_MS + 1000)).toEqual([REPORTED, REPORTED + 1]);
    expect(sizes(NOW_MS + 2000)).toEqual([REPORTED, REPORTED + 1]);
    expect(sizes(NOW_MS + 2999)).toEqual([]);
    expect(probePaths(state, NOW_MS + 3000)).toEqual({ packets: [], lowered: [] });
  });

  test('have DF where there is one', () => {
    const [probe] = probePaths(asked(to), NOW_MS).packets as [Uint8Array];
    expect((probe[0] as number) >> 4).toBe(isIpv6(to.real) ? 6 : 4);
    if (!isIpv6(to.real)) expect(readU16(probe, 6)).toBe(0x4000);
  });

  test('lower the path once the smaller was answered and the larger was not', () => {
    const state = asked(to);
    const [smaller] = probePaths(state, NOW_MS).packets as [Uint8Array];
    expect(takeProbeReply(replyTo(smaller), state)).toBe(true);
    expect(probePaths(state, NOW_MS + 2999).lowered).toEqual([]);
    expect(mtuOf(state, to)).toBe(1500);
    expect(probePaths(state, NOW_MS + 3000).lowered).toEqual([{ real: to.real, mtuBytes: REPORTED }]);
    expect(mtuOf(state, to)).toBe(REPORTED);
    expect(state.image.reasonCounts()).toMatchObject({ 'path-mtu-lowered': 1 });
  });

  test('refute the report when the larger is answered', () => {
    const state = asked(to);
    for (const packet of probePaths(state, NOW_MS).packets) takeProbeReply(replyTo(packet), state);
    expect(probePaths(state, NOW_MS + 1).packets).toEqual([]);
    expect(probePaths(state, NOW_MS + 3000)).toEqual({ packets: [], lowered: [] });
    expect(mtuOf(state, to)).toBe(1500);
  });
});

const [IPIP] = TUNNEL_CASES as [TunnelCase];

test('a real that answers nothing teaches nothing, and may be asked again', () => {
  const state = asked(IPIP);
  for (const second of [0, 1, 2, 3]) probePaths(state, NOW_MS + second * 1000);
  expect(mtuOf(state, IPIP)).toBe(1500);
  state.pathProbes.begin([...state.image.reals()][0] as RealEntry, REPORTED, NOW_MS + 4000);
  expect(probePaths(state, NOW_MS + 4000).packets).toHaveLength(2);
});

test('a flood of reports makes no flood of probes', () => {
  const state = asked(IPIP);
  const real = [...state.image.reals()][0] as RealEntry;
  for (let mtuBytes = 600; mtuBytes < 1400; mtuBytes++) state.pathProbes.begin(real, mtuBytes, NOW_MS);
  expect(probePaths(state, NOW_MS).packets.map(({ length }) => length)).toEqual([REPORTED, REPORTED + 1]);
});

test('no more than so many reals are asked at a time', () => {
  const probes = new PathProbes();
  const real = [...tunnelImage().reals()][0] as RealEntry;
  for (let i = 0; i < 100; i++)
    probes.begin({ ...real, address: (i + 1) as unknown as IpAddress }, REPORTED, 0);
  expect(probes.due(0)).toHaveLength(2 * 64);
});

test('forged answers are none', () => {
  const state = asked(IPIP);
  const [smaller] = probePaths(state, NOW_MS).packets as [Uint8Array];
  const reply = replyTo(smaller);
  const message = reply.slice(20);
  const forged = (change: (copy: Uint8Array) => void): Uint8Array => {
    const copy = message.slice();
    change(copy);
    const rest = (readU16(copy, 4) << 16) | readU16(copy, 6);
    return buildIpv4(
      { source: VIP, destination: DIRECTOR, protocol: 1 },
      buildIcmp({ type: copy[0] as number, code: 0, rest: rest >>> 0, payload: copy.subarray(8) }),
    );
  };
  const forgeries = [
    forged((copy) => copy.fill(0, 8, 16)),
    forged((copy) => copy.fill(7, 4, 6)),
    forged((copy) => copy.fill(8, 0, 1)),
    buildIpv4({ source: CLIENT, destination: DIRECTOR, protocol: 1 }, message),
    reply.subarray(0, 30),
    new Uint8Array(0),
  ];
  const wrongChecksum = reply.slice();
  wrongChecksum[23] = (wrongChecksum[23] as number) ^ 1;
  for (const packet of [...forgeries, wrongChecksum]) expect(takeProbeReply(packet, state)).toBe(false);
  probePaths(state, NOW_MS + 3000);
  expect(mtuOf(state, IPIP)).toBe(1500);
  expect(takeProbeReply(reply, state)).toBe(false);
});

test('an answer to an IPv6 probe comes as a message and its source', () => {
  const state = standardState(tunnelImage());
  const real = [...state.image.reals()].find(
    ({ service, address }) => service.vip === VIP_6 && isIpv6(address),
  ) as RealEntry;
  state.pathProbes.begin(real, REPORTED, NOW_MS);
  const [smaller] = probePaths(state, NOW_MS).packets as [Uint8Array];
  expect(smaller.length).toBe(REPORTED);
  const message = smaller.slice(80);
  message[0] = 129;
  expect(takeProbeReplyMessage(message, CLIENT, state)).toBe(false);
  expect(takeProbeReplyMessage(message, VIP_6, state)).toBe(true);
  expect(probePaths(state, NOW_MS + 3000).lowered).toEqual([{ real: real.address, mtuBytes: REPORTED }]);
});

test('without an address of its family a VIP cannot be asked', () => {
  const state = standardState(tunnelImage());
  const real = [...state.image.reals()].find(
    ({ service, address }) => service.vip === VIP_6 && !isIpv6(address),
  ) as RealEntry;
  state.pathProbes.begin(real, REPORTED, NOW_MS);
  expect(probePaths(state, NOW_MS).packets).toEqual([]);
});
