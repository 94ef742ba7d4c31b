// Planning and judging for every kind of tunnel, and for IPv6.
import { describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { ip, ipBytes } from '../../../src/net/address/ip-address.ts';
import type { RealServerFacts } from '../../../src/realserver/facts/facts.ts';
import { serving } from '../../../src/realserver/options.ts';
import { describeAction } from '../../../src/realserver/plan/action.ts';
import { obsolete } from '../../../src/realserver/plan/obsolete.ts';
import { planTunnelDevices } from '../../../src/realserver/plan/plan-devices.ts';
import { chooseDecapsulation, plan } from '../../../src/realserver/plan/plan-setup.ts';
import { fittingMss } from '../../../src/realserver/plan/tunnel-room.ts';
import { addressKey, addressOfKey } from '../../../src/realserver/program/address-keys.ts';
import { findings } from '../../../src/realserver/verify/findings.ts';
import { BARE, type Changed, DIRECTOR, toVerify, tunnel, VIP, wanted } from './facts-sample.ts';

const VIP6 = ip('2001:db8::10');
const DIRECTOR6 = ip('fd00::1');
const BOTH = { vips: [VIP, VIP6] } as const;
const GUE: Tunnel = { type: 'gue', checksum: 'none', port: 6080 };
const GRE: Tunnel = { type: 'gre', checksum: 'none' };
const GRE_CHECKED: Tunnel = { type: 'gre', checksum: 'full' };

function devices(options: Changed, facts: Partial<RealServerFacts> = {}): string[] {
  const addresses = [
    ...BARE.addresses,
    { interface: 'eth0', address: ip('fe80::1'), prefixLength: 64 },
    { interface: 'eth0', address: ip('fd00:3::2'), prefixLength: 64 },
  ];
  const steps = planTunnelDevices(
    { ...BARE, addresses, modules: {}, ...facts },
    wanted({ ...BOTH, ...options }),
  );
  return steps.map(({ action }) => describeAction(action));
}

/** The steps for both families in words. */
function said(facts: RealServerFacts, options: Changed, way: 'kernel' | 'xdp'): string[] {
  const { steps } = plan(facts, wanted({ ...BOTH, ...options }), way);
  return steps.map(({ action }) => describeAction(action));
}

/** What is wrong and what mends it, by check. */
function wrong(facts: Partial<RealServerFacts>, options: Changed): Record<string, string> {
  const found = findings({ ...BARE, ...facts }, toVerify(options)).filter(({ ok }) => !ok);
  return Object.fromEntries(found.map((finding) => [finding.check, `${finding.found}; ${finding.remedy}`]));
}

describe('what fits the tunnel on a link of 1500', () => {
  test.for<[Tunnel, number]>([
    [{ type: 'ipip' }, 1480],
    [GRE, 1476],
    [GRE_CHECKED, 1472],
    [GUE, 1468],
    [{ ...GUE, checksum: 'full' }, 1468],
    [{ ...GUE, checksum: 'remote' }, 1460],
  ])('%o leaves %i', ([kind, room]) => {
    for (const directors of [[DIRECTOR], []]) {
      expect(fittingMss(1500, { serves: serving([VIP], [kind]), directors }, 4)).toBe(room - 40);
      expect(fittingMss(1500, { serves: serving([VIP], [kind]), directors }, 6)).toBe(room - 60);
    }
    const over6 = { serves: serving([VIP], [kind]), directors: [DIRECTOR, DIRECTOR6] };
    expect(fittingMss(1500, over6, 4)).toBe(room - 60);
    expect(fittingMss(1500, over6, 6)).toBe(room - 80);
  });
});

describe("the kernel's devices", () => {
  test.for<[string, Changed, string[]]>([
    ['IPIP in IPv4', {}, ['create the ipip device tunl0', 'create the sit device sit0']],
    ['IPIP in IPv6', { directors: [DIRECTOR6] }, ['create the ip6tnl device culvert-ip6tnl']],
    ['IPv6 alone in IPv6', { directors: [DIRECTOR6], vips: [VIP6] }, ['create the ip6tnl device ip6tnl0']],
    [
      'GRE in both',
      { tunnel: GRE, directors: [DIRECTOR, DIRECTOR6] },
      ['create the gre device gre0', 'create the ip6gre device ip6gre0'],
    ],
    ['GRE with checksums', { tunnel: GRE_CHECKED }, ['create the gre device culvert-gre']],
    [
      'GUE in both',
      { tunnel: GUE, directors: [DIRECTOR, DIRECTOR6], vips: [VIP6] },
      [
        'create the sit device sit0',
        'create the ip6tnl device ip6tnl0',
        'decapsulate GUE on UDP port 6080 over IPv4',
        'decapsulate GUE on UDP port 6080 over IPv6',
      ],
    ],
  ])('%s', ([, options, steps]) => {
    expect(devices(options)).toEqual(steps);
  });

  test('are bound to the address of the host where they are our own, and never to a link-local one', () => {
    const facts = { ...BARE, addresses: [{ interface: 'eth0', address: ip('fe80::1'), prefixLength: 64 }] };
    const options = wanted({ tunnel: GRE_CHECKED, directors: [DIRECTOR6] });
    expect(() => planTunnelDevices(facts, options)).toThrowError(/eth0 has no IPv6 address/);
    const addresses = [...facts.addresses, { interface: 'eth0', address: ip('fd00:3::2'), prefixLength: 64 }];
    expect(planTunnelDevices({ ...facts, addresses }, options)[0]?.action).toMatchObject({
      tunnel: { kind: 'ip6gre', local: ip('fd00:3::2'), checksum: true },
    });
  });

  test('that are there already are left as they are, and a GUE port that is open', () => {
    const facts = {
      tunnels: [tunnel('ipip', 'tunl0'), tunnel('sit', 'sit0')],
      guePorts: [{ family: 4, port: 6080 }],
    } as const;
    expect(devices({ tunnel: GUE }, facts)).toEqual([]);
    expect(devices({ tunnel: { ...GUE, port: 6081 } }, facts)).toEqual([
      'decapsulate GUE on UDP port 6081 over IPv4',
    ]);
  });

  test('come by modules, each loaded once', () => {
    const modules = { fou: 'loadable', ipip: 'loadable', sit: 'absent' } as const;
    expect(devices({ tunnel: GUE, vips: [VIP] }, { modules }).slice(0, 2)).toEqual([
      'load the kernel module fou',
      'load the kernel module ipip',
    ]);
    const facts = { ...BARE, modules };
    expect(chooseDecapsulation(facts, wanted({ tunnel: GUE }), 'auto')).toBe('kernel');
    expect(chooseDecapsulation(facts, wanted({ ...BOTH, tunnel: GUE }), 'auto')).toBe('xdp');
    const both = wanted({ ...BOTH, tunnel: GUE });
    expect(() => chooseDecapsulation(facts, both, 'kernel')).toThrowError(/does not have sit/);
  });
});

describe('a plan for both families', () => {
  test('by XDP', () => {
    const sysctls = { ...BARE.sysctls, 'net/ipv6/conf/eth0/disable_ipv6': '1' };
    expect(said({ ...BARE, sysctls }, { directors: [DIRECTOR, DIRECTOR6], tunnel: GUE }, 'xdp')).toEqual([
      'set net.ipv4.conf.all.arp_ignore = 1',
      'set net.ipv4.conf.all.arp_announce = 2',
      'set net.ipv6.conf.eth0.disable_ipv6 = 0',
      'add 192.0.2.10/32 to lo',
      'add 2001:db8::10/128 to lo',
      'clamp the MSS of 192.0.2.10 to 1408 with nft',
      'clamp the MSS of 2001:db8::10 to 1388 with nft',
      'decapsulate gue (port 6080) by XDP on eth0',
    ]);
  });

  test("by the kernel: each VIP on a device that takes its packets, and the host relays nobody's", () => {
    const sysctls = {
      ...BARE.sysctls,
      'net/ipv6/conf/all/forwarding': '1',
      'net/ipv6/conf/eth0/forwarding': '1',
    };
    const facts = {
      ...BARE,
      sysctls,
      tunnels: [tunnel('ipip', 'tunl0'), tunnel('sit', 'sit0', { up: false })],
      firewall: { tools: ['iptables', 'ip6tables'], clamps: [] },
    } as const;
    expect(said(facts, {}, 'kernel').slice(2)).toEqual([
      'set net.ipv6.conf.all.forwarding = 0',
      'set sit0 up',
      'add 192.0.2.10/32 to tunl0',
      'add 2001:db8::10/128 to sit0',
      'clamp the MSS of 192.0.2.10 to 1440 with iptables',
      'clamp the MSS of 2001:db8::10 to 1420 with ip6tables',
    ]);
  });

  test('IPv6 alone needs no setting of IPv4', () => {
    expect(said(BARE, { vips: [VIP6] }, 'xdp')).toEqual([
      'add 2001:db8::10/128 to lo',
      'clamp the MSS of 2001:db8::10 to 1420 with nft',
      'decapsulate ipip by XDP on eth0',
    ]);
    const facts = { ...BARE, firewall: { tools: ['iptables'], clamps: [] } } as const;
    expect(plan(facts, wanted({ vips: [VIP6] }), 'xdp').warnings).toContain(
      'neither nft nor ip6tables works on this host: the MSS is not clamped, and large requests depend on ICMP',
    );
  });

  test('of a family that has no VIP any more the clamp goes', () => {
    const clamps = plan(BARE, wanted(BOTH), 'xdp').steps.flatMap(({ undo }) => undo);
    const gone = obsolete(clamps, BARE, wanted({ vips: [VIP] }), 'xdp').map(describeAction);
    expect(gone).toEqual([
      'delete 2001:db8::10/128 from lo',
      'remove the MSS clamp of IPv6 with nft',
      'stop decapsulating ipip for 2001:db8::10 by XDP on eth0',
    ]);
  });
});

describe('what verify says', () => {
  test('of devices and ports that are missing', () => {
    const facts = { tunnels: [tunnel('ipip', 'tunl0'), tunnel('sit', 'sit0', { up: false })] };
    expect(wrong(facts, { ...BOTH, tunnel: GUE, directors: [DIRECTOR, DIRECTOR6] }).decapsulation).toBe(
      'sit0 is down; there is no culvert-ip6tnl; GUE port 6080 is not open over IPv4; GUE port 6080 is not open over IPv6; ' +
        'culvert realserver setup, or "ip link set sit0 up", ' +
        'or "ip fou add port 6080 gue", or "ip fou add port 6080 gue -6"',
    );
  });

  test('of a VIP of IPv6, its clamp and its listener', () => {
    const listeners = [{ protocol: 'tcp', address: ip('0.0.0.0'), port: 80 }] as const;
    const clamps = [
      {
        tool: 'nft',
        where: 'table inet x',
        instance: undefined,
        sources: [{ address: ip('::'), length: 0 }],
        mss: 1440,
      },
    ] as const;
    const judged = findings(
      { ...BARE, listeners, firewall: { tools: ['nft'], clamps } },
      toVerify({ vips: [VIP6], ports: [80] }),
    );
    const found = Object.fromEntries(judged.map((finding) => [finding.check, finding]));
    expect(found['VIP 2001:db8::10']?.remedy).toBe('ip addr add 2001:db8::10/128 dev lo');
    expect(found['MSS clamp 2001:db8::10']).toMatchObject({ ok: false, expected: 'at most 1420' });
    expect(found['MSS clamp 2001:db8::10']?.remedy).toContain(
      '"ip6tables -t mangle -A OUTPUT -s 2001:db8::10',
    );
    expect(found['listener [2001:db8::10]:80']).toMatchObject({
      ok: false,
      found: 'nothing listens on it, only on 0.0.0.0',
    });
    expect(Object.keys(found)).not.toContain('arp_ignore');
    const everywhere = [{ protocol: 'tcp', address: ip('::'), port: 80 }] as const;
    for (const vip of [VIP, VIP6]) {
      const last = findings({ ...BARE, listeners: everywhere }, toVerify({ vips: [vip], ports: [80] })).at(
        -1,
      );
      expect(last?.ok).toBe(true);
    }
  });
});

test('keys of the program are read back, and so are those of former programs', () => {
  for (const address of [VIP, VIP6, ip('::'), ip('0.0.0.0')])
    expect(addressOfKey(addressKey(address))).toBe(address);
  expect(addressKey(VIP)).toHaveLength(16);
  expect(addressOfKey(ipBytes(VIP))).toBe(VIP);
});
