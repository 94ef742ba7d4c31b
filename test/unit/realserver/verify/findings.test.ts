import { describe, expect, test } from 'vitest';
import { type IpAddress, ip } from '../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import type { RealServerFacts, XdpFacts } from '../../../../src/realserver/facts/facts.ts';
import { ANYONE } from '../../../../src/realserver/program/address-keys.ts';
import type { Finding } from '../../../../src/realserver/verify/finding.ts';
import { findings } from '../../../../src/realserver/verify/findings.ts';
import { BARE, BY_HAND, DIRECTOR, link, toVerify, tunnel, VIP } from '../facts-sample.ts';

function wrong(facts: RealServerFacts, options: Parameters<typeof toVerify>[0] = {}): Finding[] {
  return findings(facts, toVerify(options)).filter(({ ok }) => !ok);
}

function listening(address: IpAddress): RealServerFacts {
  return { ...BY_HAND, listeners: [{ protocol: 'tcp', address, port: 80 }] };
}

function withSysctls(changes: Record<string, string>): RealServerFacts {
  return { ...BY_HAND, sysctls: { ...BY_HAND.sysctls, ...changes } };
}

function byXdp(directors: readonly IpAddress[], vips: readonly IpAddress[] = [VIP]): RealServerFacts {
  const counts = {
    decapsulated: 5,
    fragments: 2,
    joined: 1,
    refusedSource: 3,
    otherDestination: 9,
    malformed: 1,
    congestion: 0,
    fragmentsLost: 1,
    checksum: 0,
  };
  const xdp: XdpFacts = {
    programId: 7,
    mode: 'native',
    ours: true,
    accepts: { entries: vips.map((vip) => ({ vip, type: 'ipip', port: 0 })), directors },
    counts,
  };
  const addresses = [{ interface: 'lo', address: VIP, prefixLength: 32 }];
  return { ...BY_HAND, tunnels: [], modules: {}, addresses, xdp };
}

describe('a host set up by hand, as the manuals say', () => {
  test('is found to be well', () => {
    expect(wrong(BY_HAND)).toEqual([]);
  });

  test.for<[string, RealServerFacts, string, string]>([
    [
      'tunl0 down',
      { ...BY_HAND, tunnels: [tunnel('ipip', 'tunl0', { up: false })] },
      'decapsulation',
      'culvert realserver setup, or "ip link set tunl0 up"',
    ],
    [
      'strict filtering on tunl0',
      withSysctls({ 'net/ipv4/conf/tunl0/rp_filter': '1' }),
      'rp_filter',
      'sysctl net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0',
    ],
    [
      'strict filtering everywhere',
      withSysctls({ 'net/ipv4/conf/all/rp_filter': '1' }),
      'rp_filter',
      'sysctl net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0',
    ],
    [
      'ARP answered',
      withSysctls({ 'net/ipv4/conf/all/arp_ignore': '0' }),
      'arp_ignore',
      'sysctl net.ipv4.conf.all.arp_ignore=1',
    ],
    [
      'no VIP',
      { ...BY_HAND, addresses: BARE.addresses },
      'VIP 192.0.2.10',
      'ip addr add 192.0.2.10/32 dev tunl0',
    ],
    [
      'the VIP on the NIC',
      { ...BY_HAND, addresses: [{ interface: 'eth0', address: VIP, prefixLength: 32 }] },
      'VIP 192.0.2.10',
      'ip addr del 192.0.2.10/32 dev eth0 && ip addr add 192.0.2.10/32 dev tunl0',
    ],
    [
      'no clamp',
      { ...BY_HAND, firewall: BARE.firewall },
      'MSS clamp 192.0.2.10',
      'culvert realserver setup, or "iptables -t mangle -A OUTPUT -s 192.0.2.10 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1440"',
    ],
    [
      'a clamp that a smaller link outruns',
      { ...BY_HAND, link: link('eth0', { mtuBytes: 1450 }) },
      'MSS clamp 192.0.2.10',
      'culvert realserver setup, or "iptables -t mangle -A OUTPUT -s 192.0.2.10 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1390"',
    ],
    [
      'the NIC down',
      { ...BY_HAND, link: link('eth0', { up: false, running: false }) },
      'interface',
      'ip link set eth0 up',
    ],
    [
      'no carrier',
      { ...BY_HAND, link: link('eth0', { running: false }) },
      'interface',
      'check the cable and the other end of the link',
    ],
    [
      'a link that is too small for anybody',
      { ...BY_HAND, link: link('eth0', { mtuBytes: 500 }) },
      'link MTU',
      'ip link set eth0 mtu 1500, if the network supports it',
    ],
  ])('%s', ([, facts, check, remedy]) => {
    expect(wrong(facts)[0]).toMatchObject({ check, remedy });
  });

  test('loose filtering and a clamp for a whole network will do', () => {
    const loose = withSysctls({ 'net/ipv4/conf/all/rp_filter': '2' });
    const [rule] = BY_HAND.firewall.clamps;
    const sources = [{ address: ipv4('192.0.2.0'), length: 24 }];
    const clamps =
      rule === undefined
        ? []
        : [
            { ...rule, sources, mss: undefined },
            { ...rule, sources },
          ];
    expect(wrong({ ...loose, firewall: { tools: [], clamps } })).toEqual([]);
  });

  test('a clamp to the path MTU alone will not', () => {
    const [rule] = BY_HAND.firewall.clamps;
    const clamps = rule === undefined ? [] : [{ ...rule, mss: undefined }];
    expect(wrong({ ...BY_HAND, firewall: { tools: [], clamps } })[0]?.found).toBe(
      'to the path MTU, which does not account for the tunnel',
    );
  });

  test('somebody has to listen, on the VIP or on every address', () => {
    expect(wrong(listening(ip('0.0.0.0')), { ports: [80] })).toEqual([]);
    expect(wrong(listening(VIP), { ports: [80] })).toEqual([]);
    expect(wrong(listening(DIRECTOR), { ports: [80] })[0]?.found).toBe(
      'nothing listens on it, only on 10.0.0.1',
    );
    expect(wrong(listening(VIP), { ports: [443] })[0]).toMatchObject({
      check: 'listener 192.0.2.10:443',
      found: 'nothing listens on it',
    });
  });
});

describe('a host that decapsulates by XDP', () => {
  test('is found to be well, with what the program did', () => {
    expect(wrong(byXdp([DIRECTOR]), { directors: [DIRECTOR] })).toEqual([]);
    expect(findings(byXdp([ANYONE[4]]), toVerify())[2]?.found).toBe(
      'by XDP on eth0, native mode; so far 8 decapsulated, 3 refused for their source, 2 dropped for other reasons',
    );
  });

  test.for<[string, readonly IpAddress[], string]>([
    ['anyone', [ANYONE[4]], 'anyone'],
    ['others', [ipv4('10.0.0.9')], '10.0.0.9'],
    ['more', [DIRECTOR, ipv4('10.0.0.9')], '10.0.0.1, 10.0.0.9'],
  ])('that accepts %s instead of the director', ([, directors, found]) => {
    expect(wrong(byXdp(directors), { directors: [DIRECTOR] })).toMatchObject([
      { check: 'accepted from', found, expected: '10.0.0.1' },
    ]);
  });

  test('but not for this VIP', () => {
    expect(wrong(byXdp([ANYONE[4]], []))[0]).toMatchObject({
      check: 'decapsulation',
      found: 'XDP on eth0 does not decapsulate ipip for 192.0.2.10',
    });
  });

  test("by another's program", () => {
    const facts = byXdp([ANYONE[4]]);
    const xdp = { programId: 7, mode: 'native', ours: false, accepts: undefined, counts: undefined };
    expect(wrong({ ...facts, xdp })[0]?.found).toBe(
      "the XDP program 7 is not culvert's; there is no ipip device",
    );
  });

  test('strict filtering matters only where the way back is another', () => {
    const strict = {
      ...byXdp([ANYONE[4]]),
      sysctls: { ...BY_HAND.sysctls, 'net/ipv4/conf/all/rp_filter': '1' },
    };
    expect(wrong(strict)).toEqual([]);
    expect(wrong({ ...strict, defaultRoutes: ['eth1'] })).toMatchObject([
      { check: 'rp_filter', remedy: 'sysctl net.ipv4.conf.eth0.rp_filter=2' },
    ]);
  });
});

test('a bare host: every finding says what to do, and without the interface the rest is still said', () => {
  const bare = wrong(BARE, { ports: [80] });
  expect(bare.map(({ check }) => check)).toEqual([
    'decapsulation',
    'accepted from',
    'VIP 192.0.2.10',
    'arp_ignore',
    'arp_announce',
    'MSS clamp 192.0.2.10',
    'listener 192.0.2.10:80',
  ]);
  for (const finding of bare) expect(finding.remedy).not.toBe('');
  expect(wrong({ ...BARE, link: undefined })[0]).toMatchObject({
    check: 'interface',
    found: 'there is no eth0',
  });
});
