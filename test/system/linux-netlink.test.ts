//   near ──── veth ──── far
//   10.9.0.1/24         10.9.0.2/24
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inNamespace } from '../../src/linux/namespace-thread.ts';
import { addAddress, listAddresses } from '../../src/linux/netlink/address.ts';
import { NUD, RT_TABLE } from '../../src/linux/netlink/constants.ts';
import { changeLink, findLink, listLinks } from '../../src/linux/netlink/link.ts';
import { type NetworkChange, NetworkMonitor } from '../../src/linux/netlink/monitor.ts';
import {
  deleteNeighbour,
  isUsable,
  listNeighbours,
  probeNeighbour,
  setPermanentNeighbour,
} from '../../src/linux/netlink/neighbour.ts';
import { deleteRoute, listRoutes, lookUpRoute, replaceRoute } from '../../src/linux/netlink/route.ts';
import { addMarkRule, deleteMarkRule, listMarkRules } from '../../src/linux/netlink/rule.ts';
import { NetlinkSocket } from '../../src/linux/netlink/socket.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  listNamespaces,
  runInNamespace,
} from '../../src/linux/netns.ts';
import { setOffloads } from '../../src/linux/offload.ts';
import { readSysctl, writeSysctl } from '../../src/linux/sysctl.ts';
import { ipv4 } from '../../src/net/ipv4-address.ts';

const near = `cvnear${process.pid}`;
const far = `cvfar${process.pid}`;
const root = process.getuid?.() === 0;

describe.skipIf(!root)('netlink in a namespace (needs root)', () => {
  let socket: NetlinkSocket;
  let ifIndex: number;

  beforeAll(() => {
    createNamespace(near);
    createNamespace(far);
    connectNamespaces({ namespace: near, name: 'eth0', mtuBytes: 1400 }, { namespace: far, name: 'eth0' });
    using other = new NetlinkSocket(far);
    addAddress(other, {
      ifIndex: findLink(other, 'eth0')?.index ?? 0,
      address: ipv4('10.9.0.2'),
      prefixLength: 24,
    });
    socket = new NetlinkSocket(near);
    ifIndex = findLink(socket, 'eth0')?.index ?? 0;
    addAddress(socket, { ifIndex, address: ipv4('10.9.0.1'), prefixLength: 24 });
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

  test('addresses are those of the namespace', () => {
    expect(listAddresses(socket, ifIndex)).toEqual([
      { ifIndex, address: ipv4('10.9.0.1'), prefixLength: 24 },
    ]);
  });

  test('a refusal says what the kernel said', () => {
    const present = { ifIndex, address: ipv4('10.9.0.1'), prefixLength: 24 };
    expect(() => addAddress(socket, present)).toThrow(/add address: .* \(EEXIST\)/);
    const lost = { destination: ipv4('10.10.0.0'), prefixLength: 16, gateway: ipv4('10.99.0.9') };
    expect(() => replaceRoute(socket, lost)).toThrow(/\(ENETUNREACH\): Nexthop has invalid gateway/);
  });

  test('routes are set, looked up with their MTU, and deleted', () => {
    const route = {
      destination: ipv4('10.10.0.0'),
      prefixLength: 16,
      gateway: ipv4('10.9.0.2'),
      mtuBytes: 1300,
    };
    expect(lookUpRoute(socket, ipv4('10.10.1.1'))).toBeUndefined();
    replaceRoute(socket, route);
    expect(lookUpRoute(socket, ipv4('10.10.1.1'))).toMatchObject({
      ifIndex,
      gateway: ipv4('10.9.0.2'),
      source: ipv4('10.9.0.1'),
      mtuBytes: 1300,
    });
    expect(listRoutes(socket, RT_TABLE.main).map((each) => each.prefixLength)).toEqual([24, 16]);
    deleteRoute(socket, route);
    expect(lookUpRoute(socket, ipv4('10.10.1.1'))).toBeUndefined();
  });

  test('a mark leads to a table of its own', () => {
    const rule = { priority: 77, mark: 0xc1, table: 4242 };
    addMarkRule(socket, rule);
    addMarkRule(socket, rule);
    expect(listMarkRules(socket)).toEqual([rule]);
    replaceRoute(socket, { destination: ipv4('0.0.0.0'), prefixLength: 0, ifIndex, table: 4242 });
    expect(lookUpRoute(socket, ipv4('192.0.2.1'), 0xc1)).toMatchObject({ ifIndex, table: 4242 });
    expect(lookUpRoute(socket, ipv4('192.0.2.1'))).toBeUndefined();
    deleteMarkRule(socket, rule);
    expect(listMarkRules(socket)).toEqual([]);
  });

  test('neighbours are probed, pinned and deleted', async () => {
    const address = ipv4('10.9.0.2');
    probeNeighbour(socket, ifIndex, address);
    await expect
      .poll(() => listNeighbours(socket).find((each) => each.address === address && isUsable(each)))
      .toBeDefined();
    const mac = Buffer.from('020000000009', 'hex');
    setPermanentNeighbour(socket, { ifIndex, address: ipv4('10.9.0.9'), mac });
    expect(listNeighbours(socket)).toContainEqual({
      ifIndex,
      address: ipv4('10.9.0.9'),
      mac,
      state: NUD.permanent,
    });
    deleteNeighbour(socket, ifIndex, ipv4('10.9.0.9'));
    expect(listNeighbours(socket).some((each) => each.address === ipv4('10.9.0.9') && isUsable(each))).toBe(
      false,
    );
  });

  test('the monitor tells of every kind of change', async () => {
    const changes: NetworkChange[] = [];
    using _ = inNamespace(near, () => new NetworkMonitor((change) => changes.push(change)));
    changeLink(socket, ifIndex, { mtuBytes: 1450 });
    addAddress(socket, { ifIndex, address: ipv4('10.8.0.1'), prefixLength: 16 });
    const mac = Buffer.from('020000000008', 'hex');
    setPermanentNeighbour(socket, { ifIndex, address: ipv4('10.8.0.8'), mac });
    await expect.poll(() => new Set(changes.map((change) => change.type)).size).toBe(4);
    expect(changes).toContainEqual({
      type: 'address',
      removed: false,
      address: { ifIndex, address: ipv4('10.8.0.1'), prefixLength: 16 },
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
