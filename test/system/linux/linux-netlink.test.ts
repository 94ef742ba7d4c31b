//   near ──── veth ──── far
//   10.9.0.1/24         10.9.0.2/24
//   2001:db8:9::1/64    2001:db8:9::2/64
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  listNamespaces,
  runInNamespace,
} from '../../../src/linux/namespaces/netns.ts';
import { addAddress, deleteAddress, listAddresses } from '../../../src/linux/netlink/address.ts';
import { IFA_F, NUD, RT_TABLE, RTN } from '../../../src/linux/netlink/constants.ts';
import { changeLink, findLink, listLinks } from '../../../src/linux/netlink/devices/link.ts';
import { type NetworkChange, NetworkMonitor } from '../../../src/linux/netlink/monitor.ts';
import {
  deleteNeighbour,
  isUsable,
  listNeighbours,
  type Neighbour,
  probeNeighbour,
  setPermanentNeighbour,
} from '../../../src/linux/netlink/neighbour.ts';
import { deleteRoute, listRoutes, lookUpRoute, replaceRoute } from '../../../src/linux/netlink/route.ts';
import { addMarkRule, deleteMarkRule, listMarkRules } from '../../../src/linux/netlink/rule.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { ANY_ADDRESS } from '../../../src/linux/sockets/address-family.ts';
import { readSysctl, writeSysctl } from '../../../src/linux/sysctl.ts';
import { familyOf, formatIp, type IpAddress, ip } from '../../../src/net/address/ip-address.ts';

const near = `cvnear${process.pid}`;
const far = `cvfar${process.pid}`;
const root = process.getuid?.() === 0;

describe.skipIf(!root)('netlink in a namespace (needs root)', () => {
  let socket: NetlinkSocket;
  let ifIndex: number;

  beforeAll(() => {
    for (const name of [near, far]) {
      createNamespace(name);
      // Duplicate address detection of the link-local addresses would take a second or two.
      inNamespace(name, () => writeSysctl('net/ipv6/conf/default/accept_dad', '0'));
    }
    connectNamespaces({ namespace: near, name: 'eth0', mtuBytes: 1400 }, { namespace: far, name: 'eth0' });
    using other = new NetlinkSocket(far);
    addAddresses(other, ['10.9.0.2', '2001:db8:9::2']);
    socket = new NetlinkSocket(near);
    ifIndex = addAddresses(socket, ['10.9.0.1', '2001:db8:9::1']);
  });

  afterAll(() => {
    socket?.close();
    deleteNamespace(near);
    deleteNamespace(far);
    expect(listNamespaces()).not.toContain(near);
  });

  test('links carry what was set', () => {
    expect(listLinks(socket).map((link) => link.name)).toEqual(['lo', 'eth0']);
    expect(findLink(socket, 'eth0')).toMatchObject({ kind: 'veth', mtuBytes: 1400, up: true, running: true });
    changeLink(socket, ifIndex, { mtuBytes: 1500, mac: Buffer.from('02aabbccdd01', 'hex') });
    expect(findLink(socket, 'eth0')).toMatchObject({ mtuBytes: 1500, xdpProgramId: undefined });
    expect(Buffer.from(findLink(socket, 'eth0')?.mac ?? []).toString('hex')).toBe('02aabbccdd01');
    expect(findLink(socket, 'eth1')).toBeUndefined();
  });

  test('addresses come and go, and both families are listed', async () => {
    const ours = listAddresses(socket, { ifIndex }).filter(({ address }) => !isLinkLocal(address));
    expect(ours.map(({ address, prefixLength }) => `${formatIp(address)}/${prefixLength}`)).toEqual([
      '10.9.0.1/24',
      '2001:db8:9::1/64',
    ]);
    expect(listAddresses(socket, { family: 4 }).map(({ address }) => formatIp(address))).not.toContain('::1');
    const extra = { ifIndex, address: ip('2001:db8:9::7'), prefixLength: 64 };
    addAddress(socket, { ...extra, noDad: true, deprecated: true });
    const listed = listAddresses(socket, { family: 6 }).find(({ address }) => address === extra.address);
    expect((listed?.flags ?? 0) & (IFA_F.deprecated | IFA_F.tentative | IFA_F.noDad)).toBe(
      IFA_F.deprecated | IFA_F.noDad,
    );
    expect(await inside(['ip', '-6', 'address', 'show', 'dev', 'eth0'])).toMatch(
      /2001:db8:9::7\/64 scope global (deprecated nodad|nodad deprecated)/,
    );
    deleteAddress(socket, extra);
    expect(() => deleteAddress(socket, extra)).toThrow(/2001:db8:9::7\/64: .* \(EADDRNOTAVAIL\)/);
  });

  test('a VIP on the loopback device is local without delay', async () => {
    const index = findLink(socket, 'lo')?.index ?? 0;
    const vip = { ifIndex: index, address: ip('2001:db8:aa::10'), prefixLength: 128 };
    addAddress(socket, { ...vip, noDad: true, deprecated: true });
    // The kernel puts the route of an address in place by a work queue.
    await expect
      .poll(() => lookUpRoute(socket, vip.address), { interval: 1 })
      .toMatchObject({
        type: RTN.local,
        table: RT_TABLE.local,
      });
    const listed = listAddresses(socket, { ifIndex: index }).find(({ address }) => address === vip.address);
    expect((listed?.flags ?? 0) & IFA_F.tentative).toBe(0);
    deleteAddress(socket, vip);
  });

  describe.each([
    {
      family: 4,
      own: ip('10.9.0.1'),
      other: ip('10.9.0.2'),
      silent: ip('10.9.0.9'),
      network: ip('10.10.0.0'),
      prefixLength: 16,
      inNetwork: ip('10.10.1.1'),
      lost: /\(ENETUNREACH\): Nexthop has invalid gateway/,
    },
    {
      family: 6,
      own: ip('2001:db8:9::1'),
      other: ip('2001:db8:9::2'),
      silent: ip('2001:db8:9::9'),
      network: ip('2001:db8:10::'),
      prefixLength: 48,
      inNetwork: ip('2001:db8:10:1::1'),
      lost: /\((ENETUNREACH|EHOSTUNREACH)\)/,
    },
  ] as const)('IPv$family', ({ family, own, other, silent, network, prefixLength, inNetwork, lost }) => {
    const everywhere = { destination: ANY_ADDRESS[family], prefixLength: 0 };

    test('a refusal says what the kernel said', () => {
      const present = { ifIndex, address: own, prefixLength: 24 };
      expect(() => addAddress(socket, { ...present, prefixLength: family === 4 ? 24 : 64 })).toThrow(
        /add address .*: .* \(EEXIST\)/,
      );
      const route = { destination: network, prefixLength, gateway: inNetwork };
      expect(() => replaceRoute(socket, route)).toThrow(lost);
    });

    test('routes are set, looked up with their MTU, and deleted', async () => {
      const route = { destination: network, prefixLength, gateway: other, mtuBytes: 1300 };
      expect(lookUpRoute(socket, inNetwork)).toBeUndefined();
      replaceRoute(socket, route);
      expect(lookUpRoute(socket, inNetwork)).toMatchObject({
        type: RTN.unicast,
        ifIndex,
        gateway: other,
        source: own,
        mtuBytes: 1300,
        table: RT_TABLE.main,
      });
      const [seen] = JSON.parse(
        await inside(['ip', '-json', 'route', 'get', formatIp(inNetwork)]),
      ) as object[];
      expect(seen).toMatchObject({ gateway: formatIp(other), prefsrc: formatIp(own), dev: 'eth0' });
      const changed = { ...route, mtuBytes: 1350 };
      replaceRoute(socket, changed);
      const main = listRoutes(socket, { table: RT_TABLE.main }).filter(
        (each) => each.destination === network,
      );
      expect(main).toMatchObject([{ prefixLength, gateway: other, mtuBytes: 1350, multipath: false }]);
      expect(listRoutes(socket, { family }).map(({ destination }) => familyOf(destination))).not.toContain(
        family === 4 ? 6 : 4,
      );
      deleteRoute(socket, changed);
      expect(lookUpRoute(socket, inNetwork)).toBeUndefined();
    });

    test('of several ways out the first is told', async () => {
      const [first, second] = [other, silent].map(formatIp) as [string, string];
      const hops = [first, second].flatMap((gateway) => ['nexthop', 'via', gateway, 'dev', 'eth0']);
      const target = `${formatIp(network)}/${prefixLength}`;
      await inside(['ip', `-${family}`, 'route', 'add', target, ...hops]);
      expect(listRoutes(socket).find(({ destination }) => destination === network)).toMatchObject({
        multipath: true,
        ifIndex,
        gateway: other,
      });
      expect([other, silent]).toContain(lookUpRoute(socket, inNetwork)?.gateway);
      await inside(['ip', `-${family}`, 'route', 'delete', target]);
    });

    test('a route that refuses is no way, or is told as what it is', () => {
      const refused = { destination: network, prefixLength, type: RTN.unreachable };
      replaceRoute(socket, refused);
      expect(lookUpRoute(socket, inNetwork)?.type ?? RTN.unreachable).toBe(RTN.unreachable);
      deleteRoute(socket, refused);
    });

    test('a mark leads to a table of its own', () => {
      const rule = { family, priority: 77, mark: 0xc1, table: 4242 };
      addMarkRule(socket, rule);
      addMarkRule(socket, rule);
      expect(listMarkRules(socket)).toEqual([rule]);
      expect(listMarkRules(socket, family === 4 ? 6 : 4)).toEqual([]);
      replaceRoute(socket, { ...everywhere, ifIndex, table: 4242 });
      expect(listRoutes(socket, { table: 4242 })).toMatchObject([everywhere]);
      expect(lookUpRoute(socket, inNetwork, 0xc1)).toMatchObject({ ifIndex, table: 4242 });
      expect(lookUpRoute(socket, inNetwork)).toBeUndefined();
      deleteRoute(socket, { ...everywhere, ifIndex, table: 4242 });
      deleteMarkRule(socket, rule);
      expect(listMarkRules(socket)).toEqual([]);
    });

    test('neighbours are probed, pinned and deleted', async () => {
      const find = (address: IpAddress) =>
        listNeighbours(socket, family).find((each) => each.address === address);
      probeNeighbour(socket, ifIndex, other);
      await expect.poll(() => isUsable(find(other) ?? nobody)).toBe(true);
      const mac = Buffer.from('020000000009', 'hex');
      setPermanentNeighbour(socket, { ifIndex, address: silent, mac });
      expect(find(silent)).toEqual({ ifIndex, address: silent, mac, state: NUD.permanent });
      const shown = await inside(['ip', `-${family}`, 'neighbour', 'show', formatIp(silent)]);
      expect(shown).toMatch(/ dev eth0 lladdr 02:00:00:00:00:09 PERMANENT/);
      deleteNeighbour(socket, ifIndex, silent);
      expect(isUsable(find(silent) ?? nobody)).toBe(false);
    });

    test('the monitor tells of what comes and goes', async () => {
      const changes: NetworkChange[] = [];
      using _ = inNamespace(near, () => new NetworkMonitor((change) => changes.push(change)));
      const told = async (change: object) =>
        expect.poll(() => changes).toContainEqual(expect.objectContaining(change));

      const address = { ifIndex, address: silent, prefixLength: family === 4 ? 32 : 128 };
      addAddress(socket, { ...address, noDad: true });
      await told({ type: 'address', removed: false, address: expect.objectContaining(address) });
      deleteAddress(socket, address);
      await told({ type: 'address', removed: true, address: expect.objectContaining(address) });

      const mac = Buffer.from('020000000008', 'hex');
      const neighbour = { ifIndex, address: inNetwork, mac };
      setPermanentNeighbour(socket, neighbour);
      deleteNeighbour(socket, ifIndex, inNetwork);
      await told({ type: 'neighbour', removed: false, neighbour: { ...neighbour, state: NUD.permanent } });

      const route = { destination: network, prefixLength, gateway: other };
      replaceRoute(socket, route);
      deleteRoute(socket, route);
      await told({ type: 'route', removed: false, route: expect.objectContaining({ ...route, ifIndex }) });
      await told({ type: 'route', removed: true, route: expect.objectContaining({ ...route, ifIndex }) });
    });
  });

  test('a route to IPv4 addresses may have an IPv6 next hop', async () => {
    const route = { destination: ip('10.11.0.0'), prefixLength: 16, gateway: ip('2001:db8:9::2'), ifIndex };
    replaceRoute(socket, route);
    expect(lookUpRoute(socket, ip('10.11.1.1'))).toMatchObject({ ifIndex, gateway: route.gateway });
    expect(listRoutes(socket, { family: 4 })).toContainEqual(expect.objectContaining(route));
    expect(await inside(['ip', 'route', 'get', '10.11.1.1'])).toMatch(/ via inet6 2001:db8:9::2 dev eth0 /);
    deleteRoute(socket, route);
    expect(lookUpRoute(socket, ip('10.11.1.1'))).toBeUndefined();
  });

  test('the monitor tells of changes of links', async () => {
    const changes: NetworkChange[] = [];
    using _ = inNamespace(near, () => new NetworkMonitor((change) => changes.push(change)));
    changeLink(socket, ifIndex, { mtuBytes: 1450 });
    await expect
      .poll(() => changes)
      .toContainEqual({
        type: 'link',
        removed: false,
        link: expect.objectContaining({ name: 'eth0', mtuBytes: 1450 }),
      });
  });

  test('sysctls are those of the namespace that is entered', () => {
    const path = 'net/ipv4/conf/eth0/rp_filter';
    inNamespace(near, () => writeSysctl(path, '2'));
    expect(inNamespace(near, () => readSysctl(path))).toBe('2');
    expect(inNamespace(far, () => readSysctl(path))).toBe('0');
    expect(readSysctl('net/ipv4/conf/none/rp_filter')).toBeUndefined();
    expect(() => writeSysctl('net/ipv4/conf/none/rp_filter', '1')).toThrow(/ENOENT/);
  });

  test('commands run inside, and offloads can be switched', async () => {
    await setOffloads('eth0', { tx: false }, near);
    const features = await runInNamespace(near, ['ethtool', '-k', 'eth0']);
    expect(features).toMatch(/^tx-checksumming: off/m);
    await expect(setOffloads('eth7', { tx: false }, near)).rejects.toThrow(/ethtool -K eth7 tx off: /);
  });
});

const nobody: Neighbour = { ifIndex: 0, address: ip('::'), mac: undefined, state: 0 };

function addAddresses(socket: NetlinkSocket, [first, second]: readonly [string, string]): number {
  const ifIndex = findLink(socket, 'eth0')?.index ?? 0;
  addAddress(socket, { ifIndex, address: ip(first), prefixLength: 24 });
  addAddress(socket, { ifIndex, address: ip(second), prefixLength: 64, noDad: true });
  return ifIndex;
}

function isLinkLocal(address: IpAddress): boolean {
  return formatIp(address).startsWith('fe80:');
}

function inside(command: readonly string[]): Promise<string> {
  return runInNamespace(near, command);
}
