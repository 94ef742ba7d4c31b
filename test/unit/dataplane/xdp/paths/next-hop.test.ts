import { describe, expect, test } from 'vitest';
import { resolveNextHop } from '../../../../../src/dataplane/xdp/paths/next-hop.ts';
import type { WayOut } from '../../../../../src/dataplane/xdp/paths/ways-out.ts';
import { NUD, RTN } from '../../../../../src/linux/netlink/constants.ts';
import type { Link } from '../../../../../src/linux/netlink/devices/link.ts';
import type { Neighbour } from '../../../../../src/linux/netlink/neighbour.ts';
import type { Route } from '../../../../../src/linux/netlink/route.ts';
import { type IpAddress, ip } from '../../../../../src/net/address/ip-address.ts';

const ETH0: Link = {
  index: 2,
  name: 'eth0',
  kind: undefined,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 2),
  mtuBytes: 1500,
  queueLength: 1000,
  up: true,
  running: true,
  vlan: undefined,
  xdpProgramId: undefined,
};
const VLAN: Link = {
  ...ETH0,
  index: 5,
  name: 'eth0.100',
  kind: 'vlan',
  mac: Uint8Array.of(2, 0, 0, 0, 0, 5),
  mtuBytes: 1400,
  vlan: { parentIndex: 2, id: 100 },
};
const NEXT_MAC = Uint8Array.of(2, 0, 0, 0, 9, 9);

function view(
  links: readonly Link[],
  neighbours: readonly Neighbour[],
  wayOut: WayOut | 'none' = 'transmit',
) {
  return {
    wayOut: () => (wayOut === 'none' ? undefined : wayOut),
    link: (ifIndex: number) => links.find(({ index }) => index === ifIndex),
    neighbour: (ifIndex: number, address: IpAddress) =>
      neighbours.find((entry) => entry.ifIndex === ifIndex && entry.address === address),
  };
}

function route(to: IpAddress, fields: Partial<Route>): Route {
  const usual = { type: RTN.unicast, table: 254, ifIndex: 2, gateway: undefined, mtuBytes: undefined };
  return { ...usual, destination: to, prefixLength: 64, source: undefined, multipath: false, ...fields };
}

function reachable(ifIndex: number, address: IpAddress): Neighbour {
  return { ifIndex, address, mac: NEXT_MAC, state: NUD.reachable };
}

describe('the way to a real server', () => {
  const real6 = ip('2001:db8:1::2');
  const own6 = ip('2001:db8::2');
  const router = ip('fe80::1');

  test('IPv6 by a link-local router', () => {
    const hop = resolveNextHop(
      view([ETH0], [reachable(2, router)]),
      real6,
      route(real6, { gateway: router, source: own6, mtuBytes: 1400 }),
    );
    expect(hop).toEqual({
      sourceAddress: own6,
      mtuBytes: 1400,
      neighbour: { ifIndex: 2, address: router },
      resolved: { nextHopMac: NEXT_MAC, sourceMac: ETH0.mac, ifIndex: 2, redirect: false },
      state: 'resolved',
      detail: 'via fe80::1 on eth0',
    });
  });

  test('IPv4 by an IPv6 router (RFC 5549)', () => {
    const real4 = ip('10.0.1.2');
    const source = ip('10.0.0.2');
    const hop = resolveNextHop(
      view([ETH0], [reachable(2, router)]),
      real4,
      route(real4, { gateway: router, source }),
    );
    expect(hop).toMatchObject({
      sourceAddress: source,
      state: 'resolved',
      resolved: { nextHopMac: NEXT_MAC },
    });
  });

  test('through a VLAN device: by its parent, with the tag and the device MTU and MAC', () => {
    const hop = resolveNextHop(
      view([ETH0, VLAN], [reachable(5, real6)]),
      real6,
      route(real6, { ifIndex: 5, source: own6 }),
    );
    expect(hop).toMatchObject({
      mtuBytes: 1400,
      resolved: { nextHopMac: NEXT_MAC, sourceMac: VLAN.mac, ifIndex: 2, vlan: 100 },
      detail: 'via 2001:db8:1::2 on eth0.100',
    });
  });

  test.each([
    ['on a VLAN device whose parent is elsewhere', { ...VLAN, vlan: undefined }],
    ['on a VLAN device on a VLAN device', { ...VLAN, vlan: { parentIndex: 7, id: 3 } }],
    ['on a tunnel', { ...ETH0, index: 5, name: 'eth0.100', kind: 'gre', mac: Uint8Array.of(10, 0, 0, 1) }],
  ] as const)('%s: the kernel sends', (_what, link) => {
    const outer = { ...VLAN, index: 7, name: 'eth0.7' };
    const hop = resolveNextHop(
      view([ETH0, link, outer], [reachable(5, real6)]),
      real6,
      route(real6, { ifIndex: 5, source: own6 }),
    );
    expect(hop).toMatchObject({ resolved: undefined, state: 'resolving', detail: 'on eth0.100' });
  });

  test.each([ETH0, VLAN])('on an interface that XDP cannot send to the kernel sends', (link) => {
    const found = route(real6, { ifIndex: link.index, source: own6 });
    const hop = resolveNextHop(view([ETH0, VLAN], [reachable(link.index, real6)], 'none'), real6, found);
    expect(hop).toMatchObject({ resolved: undefined, state: 'resolving', detail: `on ${link.name}` });
  });

  test('an address of the director itself: its own stack', () => {
    const hop = resolveNextHop(view([ETH0], []), real6, route(real6, { type: RTN.local, source: own6 }));
    expect(hop).toMatchObject({ local: true, resolved: undefined, state: 'resolved' });
  });

  test('where XDP_TX does not send frames are redirected', () => {
    const found = route(real6, { source: own6 });
    const hop = resolveNextHop(view([ETH0], [reachable(2, real6)], 'redirect'), real6, found);
    expect(hop.resolved).toMatchObject({ ifIndex: 2, redirect: true });
  });

  test.each([
    ['no route', undefined],
    ['no route', route(real6, { type: RTN.unreachable, source: own6 })],
    ['the address is not another host', route(real6, { type: RTN.broadcast, source: own6 })],
    [
      'the director has no IPv6 address to send from on eth0',
      route(real6, { gateway: router, source: ip('fe80::2') }),
    ],
    ['the director has no IPv6 address to send from on eth0', route(real6, { gateway: router })],
  ])('%s', (detail, found) => {
    const hop = resolveNextHop(view([ETH0], [reachable(2, router)]), real6, found);
    expect(hop).toMatchObject({ resolved: undefined, state: 'failed', detail });
  });

  test('a neighbour that does not answer, or has not answered yet', () => {
    const failed = { ifIndex: 2, address: router, mac: undefined, state: NUD.failed };
    const found = route(real6, { gateway: router, source: own6 });
    expect(resolveNextHop(view([ETH0], [failed]), real6, found)).toMatchObject({
      state: 'failed',
      detail: 'via fe80::1 on eth0 does not answer neighbour solicitations',
    });
    expect(resolveNextHop(view([ETH0], []), real6, found)).toMatchObject({
      state: 'resolving',
      neighbour: { ifIndex: 2, address: router },
    });
  });

  test('a link that is down', () => {
    const down = { ...ETH0, running: false };
    const found = route(real6, { gateway: router, source: own6 });
    expect(resolveNextHop(view([down], [reachable(2, router)]), real6, found)).toMatchObject({
      state: 'failed',
      detail: 'eth0 is down',
    });
  });
});
