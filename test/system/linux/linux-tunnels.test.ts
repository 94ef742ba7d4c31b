//   One namespace; eth0 ──── veth ──── eth1, both in it.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errnoOf } from '../../../src/linux/errno.ts';
import { createNamespace, deleteNamespace, runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { type FouPort, FouPorts } from '../../../src/linux/netlink/devices/fou.ts';
import { changeLink, deleteLink, findLink } from '../../../src/linux/netlink/devices/link.ts';
import { changeTunnel, createTunnel } from '../../../src/linux/netlink/devices/tunnel.ts';
import { createVeth } from '../../../src/linux/netlink/devices/veth.ts';
import { createVlan } from '../../../src/linux/netlink/devices/vlan.ts';
import { GenericNetlink } from '../../../src/linux/netlink/generic.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { ip } from '../../../src/net/address/ip-address.ts';

const namespace = `cvtunnel${process.pid}`;
const root = process.getuid?.() === 0;

describe.skipIf(!root)('devices that are made of others (needs root)', () => {
  let socket: NetlinkSocket;
  let parentIndex: number;

  beforeAll(() => {
    // Nothing loads these by itself, as the kinds of devices are loaded.
    for (const module of ['fou', 'fou6']) if (hasModule(module)) execFileSync('modprobe', [module]);
    createNamespace(namespace);
    socket = new NetlinkSocket(namespace);
    createVeth(socket, { name: 'eth0' }, { name: 'eth1' });
    parentIndex = findLink(socket, 'eth0')?.index ?? 0;
    changeLink(socket, parentIndex, { up: true });
  });

  afterAll(() => {
    socket?.close();
    deleteNamespace(namespace);
  });

  test('a device that is no VLAN has no tag', () => {
    expect(findLink(socket, 'eth0')).toMatchObject({ kind: 'veth', vlan: undefined });
  });

  test.skipIf(!hasModule('8021q'))(
    'a VLAN device tells its parent and id (needs a kernel with 8021q)',
    async () => {
      createVlan(socket, { name: 'eth0.7', parentIndex, id: 7, mtuBytes: 1400, up: true });
      const vlan = findLink(socket, 'eth0.7');
      expect(vlan).toMatchObject({ kind: 'vlan', vlan: { parentIndex, id: 7 }, mtuBytes: 1400, up: true });
      expect(await show('eth0.7')).toMatch(/eth0\.7@eth0: .* mtu 1400 .* vlan protocol 802\.1Q id 7 /s);
      expect(() => createVlan(socket, { name: 'eth0.8', parentIndex, id: 7 })).toThrow(/EEXIST/);
      changeLink(socket, vlan?.index ?? 0, { mtuBytes: 1300, up: false });
      expect(findLink(socket, 'eth0.7')).toMatchObject({ mtuBytes: 1300, up: false });
      const service = 'ip link add link eth0 name service type vlan protocol 802.1ad id 7';
      await runInNamespace(namespace, service.split(' '));
      expect(findLink(socket, 'service')).toMatchObject({ kind: 'vlan', vlan: undefined });
      deleteLink(socket, vlan?.index ?? 0);
      expect(findLink(socket, 'eth0.7')).toBeUndefined();
    },
  );

  const v4 = { local: ip('10.9.0.1'), remote: ip('10.9.0.2') };
  const v6 = { local: ip('2001:db8:9::1'), remote: ip('2001:db8:9::2') };
  const addresses4 = 'remote 10.9.0.2 local 10.9.0.1';
  const addresses6 = 'remote 2001:db8:9::2 local 2001:db8:9::1';
  const gue = { type: 'gue', destinationPort: 6080, sourcePort: 7000 } as const;

  describe.each([
    {
      title: 'ipip',
      module: 'ipip',
      settings: { kind: 'ipip', ...v4 },
      shown: `ipip ${addresses4} ttl inherit pmtudisc`,
    },
    {
      title: 'ipip with a time to live',
      module: 'ipip',
      settings: { kind: 'ipip', ...v4, timeToLive: 9 },
      shown: `ipip ${addresses4} ttl 9 `,
    },
    { title: 'sit', module: 'sit', settings: { kind: 'sit', ...v4 }, shown: `sit (ip6ip )?${addresses4} ` },
    {
      title: 'sit for both families',
      module: 'sit',
      settings: { kind: 'sit', ...v4, innerProtocol: 0 },
      shown: `sit any ${addresses4} `,
    },
    {
      title: 'ip6tnl for IPv4',
      module: 'ip6_tunnel',
      settings: { kind: 'ip6tnl', ...v6, innerProtocol: 4 },
      shown: `ip6tnl ipip6 ${addresses6} .*encaplimit none`,
    },
    {
      title: 'ip6tnl for IPv6',
      module: 'ip6_tunnel',
      settings: { kind: 'ip6tnl', ...v6, innerProtocol: 41 },
      shown: `ip6tnl ip6ip6 ${addresses6} .*encaplimit none`,
    },
    {
      title: 'ip6tnl for both families',
      module: 'ip6_tunnel',
      settings: { kind: 'ip6tnl', ...v6 },
      shown: `ip6tnl any ${addresses6} `,
    },
    {
      title: 'gre',
      module: 'ip_gre',
      settings: { kind: 'gre', ...v4 },
      shown: `gre ${addresses4} (?!.*csum)`,
    },
    {
      title: 'gre with checksums',
      module: 'ip_gre',
      settings: { kind: 'gre', ...v4, checksum: true },
      shown: `gre ${addresses4} .*icsum ocsum`,
    },
    {
      title: 'ip6gre with checksums',
      module: 'ip6_gre',
      settings: { kind: 'ip6gre', ...v6, checksum: true },
      shown: `ip6gre ${addresses6} .*icsum ocsum`,
    },
    {
      title: 'ipip in GUE',
      module: 'ipip',
      needs: 'fou',
      settings: { kind: 'ipip', ...v4, udp: { ...gue, checksum: true } },
      shown: `ipip ${addresses4} .*encap gue encap-sport 7000 encap-dport 6080 encap-csum .*noencap-remcsum`,
    },
    {
      title: 'gre in FOU',
      module: 'ip_gre',
      needs: 'fou',
      settings: { kind: 'gre', ...v4, udp: { type: 'fou', destinationPort: 6081 } },
      shown: `gre ${addresses4} .*encap fou encap-sport auto encap-dport 6081 noencap-csum`,
    },
    {
      title: 'ip6tnl in GUE',
      module: 'ip6_tunnel',
      needs: 'fou6',
      settings: { kind: 'ip6tnl', ...v6, udp: { ...gue, remoteChecksum: true } },
      shown: `ip6tnl any ${addresses6} .*encap gue encap-sport 7000 encap-dport 6080 .*encap-remcsum`,
    },
  ] as const)('$title', ({ module, settings, shown, ...rest }) => {
    const needed = 'needs' in rest ? [module, rest.needs] : [module];

    test.skipIf(!needed.every(hasModule))(
      `is made and deleted (needs a kernel with ${needed.join(', ')})`,
      async () => {
        createTunnel(socket, { name: 'tunnel7', mtuBytes: 1300, ...settings });
        expect(findLink(socket, 'tunnel7')).toMatchObject({ kind: settings.kind, mtuBytes: 1300 });
        expect(await show('tunnel7')).toMatch(new RegExp(`link/.* ${shown}`, 's'));
        expect(() => createTunnel(socket, { name: 'tunnel8', ...settings })).toThrow(/EEXIST/);
        deleteLink(socket, findLink(socket, 'tunnel7')?.index ?? 0);
        expect(findLink(socket, 'tunnel7')).toBeUndefined();
      },
    );

    test.skipIf(hasModule(module))(`is refused by name (needs a kernel without ${module})`, () => {
      const refused = failureOf(() => createTunnel(socket, { name: 'tunnel7', ...settings }));
      expect(errnoOf(refused)).toBe('EOPNOTSUPP');
      expect(String(refused)).toContain(`create ${settings.kind} device tunnel7: `);
    });
  });

  test.skipIf(!hasModule('ipip'))('a tunnel is changed in place (needs a kernel with ipip)', async () => {
    createTunnel(socket, { name: 'tunnel7', kind: 'ipip', ...v4 });
    const index = findLink(socket, 'tunnel7')?.index ?? 0;
    changeTunnel(socket, index, { kind: 'ipip', ...v4, remote: ip('10.9.0.3'), timeToLive: 5 });
    expect(await show('tunnel7')).toMatch(/ipip remote 10\.9\.0\.3 local 10\.9\.0\.1 ttl 5 /);
    deleteLink(socket, index);
  });

  test.skipIf(!hasModule('fou'))(
    'ports for FOU and GUE open and close (needs a kernel with fou)',
    async () => {
      using ports = new FouPorts(namespace);
      const wanted: FouPort[] = [
        { family: 4, port: 6080, type: 'gue' },
        { family: 6, port: 6080, type: 'gue' },
        { family: 4, port: 6081, type: 'fou', protocol: 4 },
        { family: 6, port: 6082, type: 'fou', protocol: 41 },
      ];
      for (const port of wanted) ports.add(port);
      expect(ports.list()).toEqual(expect.arrayContaining(wanted));
      expect(ports.list()).toHaveLength(wanted.length);
      const shown = await runInNamespace(namespace, ['ip', 'fou', 'show']);
      expect(shown).toMatch(/^port 6081 ipproto 4/m);
      expect(shown).toMatch(/^port 6082 ipproto 41 -6/m);
      expect(() => ports.add({ family: 4, port: 6080, type: 'gue' })).toThrow(/open gue port 6080: /);
      for (const port of wanted) ports.delete(port);
      expect(ports.list()).toEqual([]);
      expect(() => ports.delete({ family: 4, port: 6080 })).toThrow(/close FOU port 6080: /);
    },
  );

  test.skipIf(hasModule('fou'))('without FOU the kernel says so (needs a kernel without fou)', () => {
    const refused = failureOf(() => new FouPorts(namespace));
    expect(errnoOf(refused)).toBe('ENOENT');
    expect(String(refused)).toContain('find generic netlink family fou: ');
  });

  test('generic netlink knows its own controller', () => {
    using controller = new GenericNetlink({ name: 'nlctrl', version: 2 }, namespace);
    const getFamily = { operation: 'list families', command: 3 };
    const names = controller.dump(getFamily).map((answer) => answer.get(2)?.toString());
    expect(names).toContain('nlctrl\0');
    const attributes = [[2, Buffer.from('nlctrl\0')]] as const;
    expect(
      controller
        .request({ ...getFamily, attributes })[0]
        ?.get(1)
        ?.readUInt16LE(),
    ).toBe(16);
  });
});

function show(name: string): Promise<string> {
  return runInNamespace(namespace, ['ip', '-details', 'link', 'show', 'dev', name]);
}

/** The directory is there for what is built in, too, if it has parameters or a version. */
function hasModule(name: string): boolean {
  if (existsSync(`/sys/module/${name}`)) return true;
  try {
    execFileSync('modprobe', ['--dry-run', '--quiet', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function failureOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
