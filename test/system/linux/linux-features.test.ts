//   One namespace; eth0 ──── veth ──── eth1, both in it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNamespace, deleteNamespace, runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { DeviceFeatures } from '../../../src/linux/netlink/devices/features.ts';
import { findLink } from '../../../src/linux/netlink/devices/link.ts';
import { createVeth } from '../../../src/linux/netlink/devices/veth.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';

const namespace = `cvfeatures${process.pid}`;
const root = process.getuid?.() === 0;

describe.skipIf(!root)('features of devices (needs root)', () => {
  let socket: NetlinkSocket;

  beforeAll(() => {
    createNamespace(namespace);
    socket = new NetlinkSocket(namespace);
    createVeth(socket, { name: 'eth0' }, { name: 'eth1' });
  });

  afterAll(() => {
    socket?.close();
    deleteNamespace(namespace);
  });

  test('VLAN tags are left in frames, and taken out again, as ethtool sees it', async () => {
    using features = new DeviceFeatures(namespace);
    const ifIndex = findLink(socket, 'eth0')?.index ?? 0;
    const shown = (): Promise<string> => runInNamespace(namespace, ['ethtool', '-k', 'eth0']);
    expect(features.isActive(ifIndex, 'rx-vlan-hw-parse')).toBe(true);
    features.set(ifIndex, 'rx-vlan-hw-parse', false);
    expect(features.isActive(ifIndex, 'rx-vlan-hw-parse')).toBe(false);
    expect(await shown()).toContain('rx-vlan-offload: off');
    features.set(ifIndex, 'rx-vlan-hw-parse', true);
    expect(await shown()).toContain('rx-vlan-offload: on');
  });

  test('a device that is not there', () => {
    using features = new DeviceFeatures(namespace);
    expect(() => features.isActive(9999, 'rx-vlan-hw-parse')).toThrow(/ENODEV/);
  });
});
