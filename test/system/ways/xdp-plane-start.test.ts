// One namespace with a veth pair, eth0 - peer, for starts that fail or have something to say.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryXdp } from '../../../src/linux/bpf/query.ts';
import { inNamespace, NAMESPACE_DIRECTORY } from '../../../src/linux/namespaces/namespace-thread.ts';
import { createNamespace, deleteNamespace } from '../../../src/linux/namespaces/netns.ts';
import { addAddress } from '../../../src/linux/netlink/address.ts';
import { changeLink, findLink, listLinks } from '../../../src/linux/netlink/devices/link.ts';
import { createVeth } from '../../../src/linux/netlink/devices/veth.ts';
import { replaceRoute } from '../../../src/linux/netlink/route.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { type OpenOptions, RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able } from '../xdp-plane/table.ts';
import { PASS_OBJECT } from '../xdp-plane/topology.ts';

const instance = `start-${process.pid}${randomBytes(2).toString('hex')}`;
const namespace = `cvt${instance}`;

describe.skipIf(!able)('starts of the xdp plane (needs root and build/bpf/director.bpf.o)', () => {
  let socket: NetlinkSocket;

  beforeAll(() => {
    createNamespace(namespace);
    socket = new NetlinkSocket(namespace);
    createVeth(socket, { name: 'eth0' }, { name: 'peer' });
    createVeth(socket, { name: 'jumbo', mtuBytes: 9000 }, { name: 'jumbopeer', mtuBytes: 9000 });
    for (const { index, name } of listLinks(socket)) {
      if (name !== 'lo') changeLink(socket, index, { up: true });
    }
    const ifIndex = indexOf('eth0');
    addAddress(socket, { ifIndex, address: ipv4('10.0.0.2'), prefixLength: 24 });
    replaceRoute(socket, { destination: ipv4('0.0.0.0'), prefixLength: 0, gateway: ipv4('10.0.0.1') });
  });

  afterAll(() => {
    socket?.close();
    deleteNamespace(namespace);
  });

  function indexOf(name: string): number {
    return findLink(socket, name)?.index ?? 0;
  }

  /** A start that is expected to fail, and to leave nothing behind. */
  async function failure(options: OpenOptions): Promise<unknown> {
    try {
      await using plane = await RemotePlane.open(namespace, instance, options);
      return plane.description;
    } catch (error) {
      expect(existsSync(`/sys/fs/bpf/culvert/${instance}`)).toBe(false);
      const names = listLinks(socket).map(({ name }) => name);
      expect(names.toSorted()).toEqual(['eth0', 'jumbo', 'jumbopeer', 'lo', 'peer']);
      return error;
    }
  }

  test('a missing interface is named', async () => {
    expect(await failure({ interfaces: ['eth9'] })).toMatchObject({
      code: 'INTERFACE',
      message: 'eth9: there is no such interface',
    });
  });

  test('an interface without Ethernet addresses is unfit', async () => {
    expect(await failure({ interfaces: ['lo'] })).toMatchObject({ code: 'INTERFACE' });
  });

  test('a missing capability is named', async () => {
    const wrapper = ['setpriv', '--bounding-set', '-sys_admin,-bpf'];
    expect(await failure({ wrapper })).toMatchObject({
      code: 'PERMISSION',
      message: expect.stringMatching(/needs CAP_BPF \(or CAP_SYS_ADMIN\)/) as string,
    });
    expect(await failure({ wrapper: ['setpriv', '--bounding-set', '-sys_admin'] })).toMatchObject({
      code: 'PERMISSION',
      message: expect.stringContaining(
        'CAP_SYS_ADMIN (for the network namespace that health checks run in)',
      ) as string,
    });
  });

  test('another XDP program is told of and left in place', async () => {
    const nsenter = [`--net=${NAMESPACE_DIRECTORY}/${namespace}`, 'ip', 'link', 'set', 'dev', 'peer'];
    execFileSync('nsenter', [...nsenter, 'xdp', 'obj', PASS_OBJECT, 'sec', 'xdp']);
    const program = inNamespace(namespace, () => queryXdp(indexOf('peer')));
    expect(program).toBeDefined();
    expect(await failure({ interfaces: ['peer'] })).toMatchObject({
      code: 'XDP_OCCUPIED',
      message: expect.stringMatching(`id ${program?.programId}, native mode`) as string,
    });
    expect(inNamespace(namespace, () => queryXdp(indexOf('peer')))).toEqual(program);
  });

  test('what a dead director of another instance left is told of by its name', async () => {
    const former = `${instance}.f`;
    await (await RemotePlane.open(namespace, former, { interfaces: ['eth0'] }))[Symbol.asyncDispose]();
    await expect(RemotePlane.open(namespace, instance, { interfaces: ['eth0'] })).rejects.toMatchObject({
      code: 'XDP_OCCUPIED',
      message: expect.stringContaining(`"culvert down --instance ${former}"`) as string,
    });
    await using plane = await RemotePlane.open(namespace, former, { interfaces: ['eth0'] });
    await plane.remove();
  });

  test('an interface that cannot do native mode gets generic mode, with a warning', async () => {
    await using plane = await RemotePlane.open(namespace, instance, { interfaces: ['jumbo'] });
    expect(plane.description).toBe('xdp, generic mode on jumbo');
    expect(plane.events).toMatchObject([
      {
        type: 'warning',
        message: expect.stringMatching(/^jumbo does not support XDP in native mode/) as string,
      },
    ]);
    await plane.remove();
  });
});
