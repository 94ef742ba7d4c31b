import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import type { RealServerFacts } from '../../../../src/realserver/facts/facts.ts';
import { type Action, describeAction } from '../../../../src/realserver/plan/action.ts';
import { obsolete } from '../../../../src/realserver/plan/obsolete.ts';
import { planTunnelDevices } from '../../../../src/realserver/plan/plan-devices.ts';
import { chooseDecapsulation, plan } from '../../../../src/realserver/plan/plan-setup.ts';
import { newRecord, withUndo } from '../../../../src/realserver/record/record.ts';
import { BARE, BY_HAND, type Changed, DIRECTOR, link, tunnel, VIP, wanted } from '../facts-sample.ts';

/** The steps in words, each with what undoes it. */
function said(facts: RealServerFacts, options: Changed, way: 'kernel' | 'xdp'): string[] {
  const { steps } = plan(facts, wanted(options), way);
  return steps.map(
    ({ action, undo }) => `${describeAction(action)} | ${undo.map(describeAction).join(' | ')}`,
  );
}

function deviceSteps(facts: Partial<RealServerFacts>, options: Changed = {}): string[] {
  const steps = planTunnelDevices({ ...BARE, ...facts }, wanted(options));
  return steps.flatMap(({ action, undo }) => [action, ...undo].map(describeAction));
}

function sysctl(value: string): Action {
  return { kind: 'set-sysctl', path: 'net/ipv4/ip_forward', value };
}

const DONE_BY_HAND: RealServerFacts = { ...BY_HAND, firewall: { tools: ['nft'], clamps: [] } };

describe('how to decapsulate', () => {
  test.for([
    ['auto', 'present', [], 'kernel'],
    ['auto', 'loadable', [], 'kernel'],
    ['auto', 'absent', [], 'xdp'],
    ['auto', 'present', [DIRECTOR], 'xdp'],
    ['kernel', 'loadable', [DIRECTOR], 'kernel'],
    ['xdp', 'present', [], 'xdp'],
  ] as const)('%s, ipip %s, directors %s: %s', ([decapsulation, ipip, directors, way]) => {
    expect(chooseDecapsulation({ ...BARE, modules: { ipip } }, wanted({ directors }), decapsulation)).toBe(
      way,
    );
  });

  test("the kernel's way where the kernel has none", () => {
    expect(() => chooseDecapsulation(BARE, wanted(), 'kernel')).toThrowError(
      expect.objectContaining({ code: 'UNSUPPORTED' }),
    );
  });
});

describe('by XDP', () => {
  test('ARP is silenced first, and the program comes last', () => {
    expect(said(BARE, { directors: [DIRECTOR] }, 'xdp')).toEqual([
      'set net.ipv4.conf.all.arp_ignore = 1 | set net.ipv4.conf.all.arp_ignore = 0',
      'set net.ipv4.conf.all.arp_announce = 2 | set net.ipv4.conf.all.arp_announce = 0',
      'add 192.0.2.10/32 to lo | delete 192.0.2.10/32 from lo',
      'clamp the MSS of 192.0.2.10 to 1440 with nft | remove the MSS clamp of IPv4 with nft',
      'decapsulate ipip by XDP on eth0 | stop decapsulating ipip for 192.0.2.10 by XDP on eth0 | refuse tunnel packets from 10.0.0.1 on eth0',
    ]);
  });

  test('settings that are right stay as they are', () => {
    const sysctls = {
      ...BARE.sysctls,
      'net/ipv4/conf/all/arp_ignore': '2',
      'net/ipv4/conf/eth0/arp_announce': '2',
      'net/ipv4/conf/all/rp_filter': '1',
    };
    expect(said({ ...BARE, sysctls }, { mss: 'none' }, 'xdp')).toEqual([
      'add 192.0.2.10/32 to lo | delete 192.0.2.10/32 from lo',
      'decapsulate ipip by XDP on eth0 | stop decapsulating ipip for 192.0.2.10 by XDP on eth0 | refuse tunnel packets from anyone over IPv4 on eth0',
    ]);
  });

  test('an own value that outweighs the general one is lowered', () => {
    const sysctls = { ...BARE.sysctls, 'net/ipv4/conf/eth0/arp_ignore': '3' };
    expect(said({ ...BARE, sysctls }, {}, 'xdp').slice(0, 2)).toEqual([
      'set net.ipv4.conf.all.arp_ignore = 1 | set net.ipv4.conf.all.arp_ignore = 0',
      'set net.ipv4.conf.eth0.arp_ignore = 1 | set net.ipv4.conf.eth0.arp_ignore = 3',
    ]);
  });

  test('strict filtering is loosened where the way back is another, and only there', () => {
    const sysctls = { ...BARE.sysctls, 'net/ipv4/conf/all/rp_filter': '1' };
    expect(said({ ...BARE, sysctls, defaultRoutes: ['eth1'] }, {}, 'xdp')).toContain(
      'set net.ipv4.conf.eth0.rp_filter = 2 | set net.ipv4.conf.eth0.rp_filter = 0',
    );
    expect(said({ ...BARE, sysctls }, {}, 'xdp').join()).not.toContain('rp_filter');
  });

  test('what was set up by an earlier one is not done again, another clamp is', () => {
    const own = {
      tool: 'nft',
      where: '',
      instance: 'default',
      sources: [{ address: VIP, length: 32 }],
    } as const;
    const clamped = {
      ...DONE_BY_HAND,
      firewall: { tools: ['nft'], clamps: [{ ...own, mss: 1440 }] },
    } as const;
    const onLoopback = { ...clamped, addresses: [{ interface: 'lo', address: VIP, prefixLength: 32 }] };
    const attach =
      'decapsulate ipip by XDP on eth0 | stop decapsulating ipip for 192.0.2.10 by XDP on eth0 | refuse tunnel packets from anyone over IPv4 on eth0';
    expect(said(onLoopback, {}, 'xdp')).toEqual([attach]);
    expect(said(onLoopback, { mss: 1400 }, 'xdp')).toEqual([
      'clamp the MSS of 192.0.2.10 to 1400 with nft | remove the MSS clamp of IPv4 with nft',
      attach,
    ]);
    expect(said(onLoopback, { vips: [VIP, ipv4('192.0.2.11')] }, 'xdp')).toContain(
      'clamp the MSS of 192.0.2.10, 192.0.2.11 to 1440 with nft | remove the MSS clamp of IPv4 with nft',
    );
  });

  test('warnings', () => {
    const addresses = [{ interface: 'eth0', address: VIP, prefixLength: 32 }];
    const facts = { ...BARE, addresses, firewall: { tools: [], clamps: [] } };
    expect(plan(facts, wanted(), 'xdp').warnings).toEqual([
      '192.0.2.10 is also on eth0: if that is an Ethernet interface, this host answers ARP for it',
      'no director is named, so tunnel packets are accepted from anyone',
      'neither nft nor iptables works on this host: the MSS is not clamped, and large requests depend on ICMP',
    ]);
    const tooLarge = plan(BARE, wanted({ directors: [DIRECTOR], mss: 1460 }), 'xdp').warnings;
    expect(tooLarge).toEqual([
      'an MSS of 1460 is too large for IPv4 in the tunnel on a link with an MTU of 1500: at most 1440 fits',
    ]);
    const jumbo = { ...BARE, link: link('eth0', { mtuBytes: 9000 }) };
    expect(said(jumbo, {}, 'xdp')[3]).toContain('to 8940');
  });

  test('refused before anything is done', () => {
    const xdp = { programId: 7, mode: 'native', ours: false, accepts: undefined, counts: undefined };
    const occupied = (): unknown => plan({ ...BARE, xdp }, wanted(), 'xdp');
    expect(occupied).toThrowError(expect.objectContaining({ code: 'XDP_OCCUPIED' }));
    expect(occupied).toThrowError(/eth0: another XDP program \(id 7, native mode\)/);
    const directors = (): unknown => plan({ ...BARE, xdp: { ...xdp, director: 'eth0' } }, wanted(), 'xdp');
    expect(directors).toThrowError(/the director "eth0" is attached.*--decapsulation kernel/);
    expect(() => plan({ ...BARE, link: undefined }, wanted(), 'xdp')).toThrowError(/no interface eth0/);
  });
});

describe("by the kernel's ipip", () => {
  test('the device is made first, by the module or without it', () => {
    expect(deviceSteps({ modules: { ipip: 'loadable' } })).toEqual([
      'load the kernel module ipip',
      'unload the kernel module ipip',
      'create the ipip device tunl0',
      'delete the device tunl0',
    ]);
    expect(deviceSteps({ modules: { ipip: 'present' } })).toEqual([
      'create the ipip device tunl0',
      'delete the device tunl0',
    ]);
    expect(planTunnelDevices(BY_HAND, wanted())).toEqual([]);
  });

  test('the sysctls of the manuals, and every value that they disturb', () => {
    const facts: RealServerFacts = {
      ...BARE,
      modules: { ipip: 'present' },
      tunnels: [tunnel('ipip', 'tunl0', { up: false })],
      sysctls: {
        ...BARE.sysctls,
        'net/ipv4/ip_forward': '1',
        'net/ipv4/conf/all/accept_redirects': '0',
        'net/ipv4/conf/all/forwarding': '1',
        'net/ipv4/conf/eth0/forwarding': '1',
        'net/ipv4/conf/tunl0/forwarding': '0',
        'net/ipv4/conf/all/rp_filter': '1',
        'net/ipv4/conf/tunl0/rp_filter': '2',
      },
    };
    expect(said(facts, {}, 'kernel')).toEqual([
      'set net.ipv4.conf.all.arp_ignore = 1 | set net.ipv4.conf.all.arp_ignore = 0',
      'set net.ipv4.conf.all.arp_announce = 2 | set net.ipv4.conf.all.arp_announce = 0',
      'set net.ipv4.ip_forward = 0 | set net.ipv4.ip_forward = 1 | set net.ipv4.conf.all.accept_redirects = 0 | set net.ipv4.conf.eth0.forwarding = 1 | set net.ipv4.conf.tunl0.forwarding = 0',
      'set net.ipv4.conf.all.rp_filter = 0 | set net.ipv4.conf.all.rp_filter = 1',
      'set net.ipv4.conf.tunl0.rp_filter = 0 | set net.ipv4.conf.tunl0.rp_filter = 2',
      'set tunl0 up | set tunl0 down',
      'add 192.0.2.10/32 to tunl0 | delete 192.0.2.10/32 from tunl0',
      'clamp the MSS of 192.0.2.10 to 1440 with nft | remove the MSS clamp of IPv4 with nft',
    ]);
  });

  test('nothing is left to do but the clamp where all was done by hand', () => {
    expect(said(DONE_BY_HAND, { mss: 1400 }, 'kernel')).toEqual([
      'clamp the MSS of 192.0.2.10 to 1400 with nft | remove the MSS clamp of IPv4 with nft',
    ]);
  });
});

describe('the record', () => {
  const unclamp: Action = {
    kind: 'unclamp',
    clamp: { tool: 'nft', instance: 'default', family: 4 },
  };
  const remove: Action = { kind: 'delete-address', interface: 'lo', address: VIP };

  test('of two set-ups the first saw what was before; the last change is undone first', () => {
    const first = withUndo(newRecord(wanted(), 'xdp'), [sysctl('1')]);
    expect(withUndo(first, [sysctl('0'), remove]).undo).toEqual([remove, sysctl('1')]);
  });

  test('what a set-up no longer wants is taken back', () => {
    const undo = [sysctl('1'), unclamp, remove];
    expect(obsolete(undo, BARE, wanted(), 'xdp')).toEqual([]);
    expect(obsolete(undo, BARE, wanted({ mss: 'none' }), 'xdp')).toEqual([unclamp]);
    expect(obsolete(undo, BARE, wanted({ vips: [DIRECTOR] }), 'xdp')).toEqual([remove]);
    const iptablesOnly = { ...BARE, firewall: { tools: ['iptables'], clamps: [] } } as const;
    expect(obsolete(undo, iptablesOnly, wanted(), 'xdp')).toEqual([unclamp]);
  });
});
