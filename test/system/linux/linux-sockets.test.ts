//   near 10.9.0.1/24 ──── veth ──── 10.9.0.2/24 far

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tap } from '../../../src/linux/devices/tap.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { connectNamespaces, createNamespace, deleteNamespace } from '../../../src/linux/namespaces/netns.ts';
import { addAddress } from '../../../src/linux/netlink/address.ts';
import { changeLink, deleteLink, findLink } from '../../../src/linux/netlink/devices/link.ts';
import { replaceRoute } from '../../../src/linux/netlink/route.ts';
import { addMarkRule } from '../../../src/linux/netlink/rule.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { missingCapabilities } from '../../../src/linux/process/capabilities.ts';
import { openBoundTcp } from '../../../src/linux/sockets/bound-tcp.ts';
import { IcmpReceiver } from '../../../src/linux/sockets/icmp/icmp-receiver.ts';
import { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { buildEthernet, ETHERTYPE, parseEthernet } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { ownBytes } from '../../../src/net/owned-bytes.ts';
import { until } from '../until.ts';

const near = `cvsockn${process.pid}`;
const far = `cvsockf${process.pid}`;
const root = process.getuid?.() === 0;

test('a missing capability is named', () => {
  expect(missingCapabilities(undefined, 'CapEff:\t000001ffffffffff\n')).toEqual([]);
  expect(missingCapabilities(undefined, 'CapEff:\t0000000000002000\n')).toEqual([
    'CAP_NET_ADMIN',
    'CAP_BPF (or CAP_SYS_ADMIN)',
    'CAP_PERFMON (or CAP_SYS_ADMIN)',
    'CAP_SYS_ADMIN (for the network namespace that health checks run in)',
  ]);
  expect(missingCapabilities(undefined, 'CapEff:\t0000000000203000\n')).toEqual([]);
});

describe.skipIf(!root)('sockets and devices of the slow path (needs root)', () => {
  let nearIndex: number;
  let farIndex: number;
  let socket: NetlinkSocket;

  beforeAll(() => {
    createNamespace(near);
    createNamespace(far);
    connectNamespaces({ namespace: near, name: 'eth0' }, { namespace: far, name: 'eth0' });
    socket = new NetlinkSocket(near);
    nearIndex = findLink(socket, 'eth0')?.index ?? 0;
    addAddress(socket, { ifIndex: nearIndex, address: ipv4('10.9.0.1'), prefixLength: 24 });
    using other = new NetlinkSocket(far);
    farIndex = findLink(other, 'eth0')?.index ?? 0;
    addAddress(other, { ifIndex: farIndex, address: ipv4('10.9.0.2'), prefixLength: 24 });
  });

  afterAll(() => {
    socket?.close();
    deleteNamespace(near);
    deleteNamespace(far);
  });

  test('a raw sender keeps a foreign source, and a packet socket sees the frame', async () => {
    using sender = inNamespace(near, () => new RawSender());
    using capture = inNamespace(far, () => new PacketSocket(farIndex, { receive: true }));
    const packet = buildIpv4(
      {
        source: ipv4('192.0.2.10'),
        destination: ipv4('10.9.0.2'),
        protocol: PROTOCOL.ipip,
        dontFragment: true,
      },
      new Uint8Array(100).fill(7),
    );
    expect(sender.send(packet, ipv4('10.9.0.2'))).toBe(true);
    const seen = await until(() => {
      const frame = capture.receive()?.frame;
      return frame?.[23] === PROTOCOL.ipip ? frame : undefined;
    });
    expect(seen.subarray(14)).toEqual(packet);
    expect(() => sender.send(new Uint8Array(1600), ipv4('10.9.0.2'))).toThrow(/EMSGSIZE|EINVAL/);
    expect(() => sender.send(packet, ipv4('10.77.0.1'))).toThrow(/ENETUNREACH/);
  });

  test('an ICMP receiver gets the errors that come to the machine', async () => {
    using receiver = inNamespace(near, () => new IcmpReceiver(4, [3, 11]));
    using sender = inNamespace(near, () => new RawSender());
    const unknown = { source: ipv4('10.9.0.1'), destination: ipv4('10.9.0.2'), protocol: PROTOCOL.udp };
    const datagram = Uint8Array.of(0x30, 0x39, 0x30, 0x39, 0, 8, 0, 0);
    sender.send(buildIpv4(unknown, datagram), ipv4('10.9.0.2'));
    const error = await until(() => copied(receiver.receive()));
    expect(parseIpv4Header(error)).toMatchObject({ source: ipv4('10.9.0.2'), protocol: PROTOCOL.icmp });
    expect([...error.subarray(20, 22)]).toEqual([3, 3]);
  });

  test('a packet socket sends frames as they are', async () => {
    using sender = inNamespace(near, () => new PacketSocket(nearIndex));
    using capture = inNamespace(far, () => new PacketSocket(farIndex, { receive: true }));
    const ends = { destination: new Uint8Array(6).fill(255), source: new Uint8Array(6).fill(2) };
    const frame = buildEthernet({ ...ends, etherType: 0x88b5 }, new Uint8Array(50).fill(9));
    expect(sender.send(frame)).toBe(true);
    const seen = await until(() => {
      const captured = capture.receive();
      return captured !== undefined && captured.frame[12] === 0x88 ? captured : undefined;
    });
    expect(seen).toEqual({ frame, outgoing: false });
  });

  test('a TAP device outlives its holder, and gets the packets that are routed there by their mark', async () => {
    const first = inNamespace(near, () => new Tap('cvtap0'));
    expect(() => inNamespace(near, () => new Tap('cvtap0'))).toThrow(/EBUSY/);
    first.close();
    using tap = inNamespace(near, () => new Tap('cvtap0'));
    const link = findLink(socket, 'cvtap0');
    expect(link?.kind).toBe('tun');
    changeLink(socket, link?.index ?? 0, { up: true, arp: false });
    const ifIndex = link?.index ?? 0;
    addMarkRule(socket, { family: 4, priority: 90, mark: 0xabc, table: 9090 });
    replaceRoute(socket, { destination: ipv4('0.0.0.0'), prefixLength: 0, ifIndex, table: 9090 });

    const bound = inNamespace(near, () => openBoundTcp({ mark: 0xabc, source: ipv4('10.9.0.1') }));
    const closed = once(bound.socket, 'close');
    bound.socket.on('error', () => undefined);
    bound.socket.connect(80, '192.0.2.10');
    const syn = await until(() => {
      const read = tap.read();
      if (read === undefined) return undefined;
      const ethernet = parseEthernet(read.frame);
      return typeof ethernet === 'object' && ethernet.etherType === ETHERTYPE.ipv4
        ? { ...read, frame: ownBytes(read.frame) }
        : undefined;
    });
    expect(parseIpv4Header(syn.frame, 14)).toMatchObject({
      source: ipv4('10.9.0.1'),
      destination: ipv4('192.0.2.10'),
      protocol: PROTOCOL.tcp,
    });
    expect(Buffer.from(syn.frame).readUInt16BE(34)).toBe(bound.localPort);
    expect(syn.checksum).toBeUndefined();
    bound.socket.destroy();
    await closed;

    tap.close();
    expect(findLink(socket, 'cvtap0')).toBeDefined();
    deleteLink(socket, link?.index ?? 0);
    expect(findLink(socket, 'cvtap0')).toBeUndefined();
  });

  test('a bound TCP socket connects like any other', async () => {
    const server = createServer((connection) => connection.end('hello')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const { socket: client } = openBoundTcp({ source: ipv4('127.0.0.1') });
    client.connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    const [data] = (await once(client, 'data')) as [Buffer];
    expect(data.toString()).toBe('hello');
    client.destroy();
    server.close();
  });
});

function copied(view: Uint8Array | undefined): Uint8Array | undefined {
  return view && ownBytes(view);
}
