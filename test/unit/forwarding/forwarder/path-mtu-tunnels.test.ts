import { describe, expect, test } from 'vitest';
import type { Decision } from '../../../../src/forwarding/decision.ts';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { learnPathMtu, learnPathMtuOfMessage } from '../../../../src/forwarding/path-mtu/report.ts';
import type { ForwarderState } from '../../../../src/forwarding/state.ts';
import { ip, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../../src/net/address/ipv6-address.ts';
import { buildIcmp } from '../../../../src/net/headers/icmp.ts';
import { buildIcmpv6 } from '../../../../src/net/headers/icmpv6.ts';
import { buildIpv4 } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../../src/net/headers/ipv6.ts';
import { CLIENT, DIRECTOR, DIRECTOR_6, NOW_MS, standardState } from './fixture.ts';
import { ACK, fragmentationNeeded, hop, icmpError, tcp } from './packets.ts';
import { CLIENT_6, icmp6Error, packetTooBig, tcp6 } from './packets6.ts';
import { TUNNEL_CASES, type TunnelCase, tunnelImage } from './tunnels.ts';

const ROUTER = ipv4('10.9.9.9');
const ROUTER_6 = ip('2001:db8:9::9') as Ipv6Address;
const MTU_BYTES = 1400;

interface Said {
  readonly type: number;
  readonly code: number;
  readonly rest?: number;
}

/** What a router on the way says about an outer packet, of which it quotes so many bytes. */
function report(outer: Uint8Array, said: Said, quotedBytes = 200): Uint8Array {
  const payload = outer.subarray(0, quotedBytes);
  if ((outer[0] as number) >> 4 === 4) {
    return buildIpv4({ source: ROUTER, destination: DIRECTOR, protocol: 1 }, buildIcmp({ ...said, payload }));
  }
  const addresses = { source: ROUTER_6, destination: DIRECTOR_6 };
  return buildIpv6({ ...addresses, nextHeader: 58 }, buildIcmpv6({ ...addresses, ...said, payload }));
}

function tooBig(outer: Uint8Array, mtuBytes = MTU_BYTES, quotedBytes?: number): Uint8Array {
  const said = (outer[0] as number) >> 4 === 4 ? { type: 3, code: 4 } : { type: 2, code: 0 };
  return report(outer, { ...said, rest: mtuBytes }, quotedBytes);
}

/** The outer packet that the forwarder has sent for this one. */
function sent(decision: Decision): Uint8Array {
  if (decision.verdict !== 'forward') throw new Error(`not forwarded: ${decision.reason}`);
  return decision.packets[0] as Uint8Array;
}

function mtuOf(state: ForwarderState, { port }: TunnelCase): number | undefined {
  for (const { service, mtuBytes } of state.image.reals()) if (service.port === port) return mtuBytes;
  return undefined;
}

function begun(packet: Uint8Array): { state: ForwarderState; outer: Uint8Array } {
  const state = standardState(tunnelImage());
  return { state, outer: sent(decide(packet, state, NOW_MS)) };
}

describe.each(TUNNEL_CASES)('a report about $name', (to) => {
  const told = MTU_BYTES - to.overheadBytes;

  test('lowers the path, its client is told at once, and the next packet refused with the smaller value', () => {
    const opener = tcp(to.port);
    const { state, outer } = begun(opener);
    const outcome = learnPathMtu(tooBig(outer), state, NOW_MS);
    const quoted = outer
      .subarray(outer.length - opener.length)
      .slice(0, 200 - (outer.length - opener.length));
    const packet = icmpError({ type: 3, code: 4, rest: told }, quoted);
    expect(outcome).toEqual({
      outcome: 'lowered',
      real: to.real,
      mtuBytes: MTU_BYTES,
      answer: { verdict: 'answer', packet, to: CLIENT, reason: 'path-mtu-lowered' },
    });
    expect(mtuOf(state, to)).toBe(MTU_BYTES);
    const large = tcp(to.port, { flags: ACK, dataBytes: told - 40 + 1 });
    expect(decide(large, state, NOW_MS)).toMatchObject({ packet: fragmentationNeeded(large, told, 2) });
    expect(decide(tcp(to.port, { flags: ACK, dataBytes: told - 40 }), state, NOW_MS).verdict).toBe('forward');
  });

  test('lowers it for IPv6 clients, who are told in ICMPv6', () => {
    const opener = tcp6(to.port);
    const { state, outer } = begun(opener);
    const outcome = learnPathMtu(tooBig(outer), state, NOW_MS);
    const quoted = outer.subarray(outer.length - opener.length);
    const packet = icmp6Error({ type: 2, code: 0, rest: told }, quoted);
    expect(outcome).toMatchObject({
      outcome: 'lowered',
      mtuBytes: MTU_BYTES,
      answer: { packet, to: CLIENT_6 },
    });
    const large = tcp6(to.port, { flags: ACK, dataBytes: told - 60 + 1 });
    expect(decide(large, state, NOW_MS)).toMatchObject({ packet: packetTooBig(large, told) });
  });

  test('never lowers it under what IP allows', () => {
    const { state, outer } = begun(tcp(to.port));
    learnPathMtu(tooBig(outer, 68), state, NOW_MS);
    expect(mtuOf(state, to)).toBe(isIpv6(to.real) ? 1280 : 552);
  });

  test('nothing forged lowers it', () => {
    const { state, outer } = begun(tcp(to.port));
    const at = isIpv6(to.real) ? 40 : 20;
    const forgeries = [
      ['another tunnel', (copy: Uint8Array) => copy.fill(0xff, at, outer.length - 40)],
      ["another client's port", (copy: Uint8Array) => copy.fill(1, outer.length - 20, outer.length - 18)],
      [
        'another outer source',
        (copy: Uint8Array) => copy.fill(9, isIpv6(to.real) ? 20 : 14, isIpv6(to.real) ? 24 : 16),
      ],
    ] as const;
    for (const [what, forge] of forgeries) {
      if (what === 'another tunnel' && to.tunnel.type === 'ipip') continue;
      const copy = outer.slice();
      forge(copy);
      expect(learnPathMtu(tooBig(copy), state, NOW_MS), what).toEqual({ outcome: 'ignored' });
    }
    expect(mtuOf(state, to)).toBe(1500);
  });

  test('is ignored when it has a wrong checksum or is cut off, and never throws', () => {
    const { state, outer } = begun(tcp(to.port));
    const whole = tooBig(outer);
    for (let length = 0; length < whole.length; length++)
      learnPathMtu(whole.subarray(0, length), state, NOW_MS);
    // What stands before the addresses no checksum of IPv6 covers.
    for (let at = isIpv6(to.real) ? 8 : 0; at < whole.length; at++) {
      const copy = whole.slice();
      copy[at] = (copy[at] as number) ^ 0x5a;
      learnPathMtu(copy, state, NOW_MS);
    }
    expect(mtuOf(state, to)).toBe(1500);
  });

  test('is not believed at once if it quotes too little', () => {
    const { state, outer } = begun(tcp(to.port));
    const shortest = (isIpv6(to.real) ? 40 : 20) + 8;
    for (const bytes of [shortest, outer.length - 40, outer.length - 40 + 23]) {
      const outcome = learnPathMtu(tooBig(outer, MTU_BYTES, Math.max(shortest, bytes)), state, NOW_MS);
      expect(outcome).toEqual({ outcome: 'needs-probe', real: to.real, mtuBytes: MTU_BYTES });
    }
    expect(mtuOf(state, to)).toBe(1500);
  });

  test('of another kind goes on to the client, in its own words', () => {
    const { state, outer } = begun(tcp(to.port));
    const isOuter6 = isIpv6(to.real);
    const said = isOuter6 ? { type: 1, code: 3 } : { type: 3, code: 1 };
    const quoted = outer.subarray(outer.length - 40);
    const outcome = learnPathMtu(report(outer, said), state, NOW_MS);
    expect(outcome).toMatchObject({ answer: { packet: icmpError({ type: 3, code: 1 }, quoted) } });
    const { state: state6, outer: outer6 } = begun(tcp6(to.port));
    const outcome6 = learnPathMtu(report(outer6, said), state6, NOW_MS);
    const packet = icmp6Error(isOuter6 ? said : { type: 1, code: 3 }, outer6.subarray(outer6.length - 60));
    expect(outcome6).toMatchObject({ outcome: 'relayed', answer: { packet } });
    const expired = learnPathMtu(
      report(outer, isOuter6 ? { type: 3, code: 0 } : { type: 11, code: 0 }),
      state,
      NOW_MS,
    );
    expect(expired).toMatchObject({ answer: { packet: icmpError({ type: 11, code: 0 }, quoted, 2) } });
    const problem = isOuter6 ? { type: 4, code: 1 } : { type: 12, code: 0 };
    expect(learnPathMtu(report(outer, problem), state, NOW_MS)).toEqual({ outcome: 'ignored' });
  });
});

const [OVER_IPV6] = TUNNEL_CASES.filter(({ real }) => isIpv6(real)) as [TunnelCase];

test('what a raw ICMPv6 socket gives is the message alone', () => {
  const { state, outer } = begun(tcp6(OVER_IPV6.port));
  const message = tooBig(outer).subarray(40);
  expect(learnPathMtuOfMessage(message, state, NOW_MS)).toMatchObject({
    outcome: 'lowered',
    mtuBytes: MTU_BYTES,
  });
});

test('a path of 1280 bytes: IPv6 of up to 1280 leaves in outer fragments, and no client is told less', () => {
  const { state, outer } = begun(tcp6(OVER_IPV6.port));
  learnPathMtu(tooBig(outer, 1280), state, NOW_MS);
  const fits = decide(tcp6(OVER_IPV6.port, { flags: ACK, dataBytes: 1240 - 60 }), state, NOW_MS);
  expect(fits.verdict === 'forward' && fits.packets.map(({ length }) => length)).toEqual([1280]);
  const least = decide(tcp6(OVER_IPV6.port, { flags: ACK, dataBytes: 1280 - 60 }), state, NOW_MS);
  expect(least.reason).toBe('outer-fragments');
  expect(least.verdict === 'forward' && least.packets.map(({ length }) => length)).toEqual([
    48 + 1232,
    48 + 48,
  ]);
  const large = tcp6(OVER_IPV6.port, { flags: ACK, dataBytes: 1281 - 60 });
  expect(decide(large, state, NOW_MS)).toMatchObject({
    reason: 'too-big',
    packet: packetTooBig(large, 1280),
  });
});

test('an IPv4 client is told what such a path leaves of it', () => {
  const { state, outer } = begun(tcp(OVER_IPV6.port));
  const outcome = learnPathMtu(tooBig(outer, 1280), state, NOW_MS);
  const packet = icmpError({ type: 3, code: 4, rest: 1240 }, hop(tcp(OVER_IPV6.port)));
  expect(outcome.answer?.packet).toEqual(packet);
});

test('a real behind an address that has several tunnels is matched by its own', () => {
  const [ipip, gre] = TUNNEL_CASES as [TunnelCase, TunnelCase];
  const { state, outer } = begun(tcp(gre.port));
  expect(learnPathMtu(tooBig(outer), state, NOW_MS).outcome).toBe('lowered');
  expect([mtuOf(state, ipip), mtuOf(state, gre)]).toEqual([MTU_BYTES, MTU_BYTES]);
  expect(ipip.real as Ipv4Address).toBe(gre.real);
});
