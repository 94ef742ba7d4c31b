//   near 2001:db8:9::1/64 ──── veth ──── 2001:db8:9::2/64 far

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tap } from '../../../src/linux/devices/tap.ts';
import { checked } from '../../../src/linux/errno.ts';
import { libc } from '../../../src/linux/libc.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import {
  connectNamespaces,
  createNamespace,
  deleteNamespace,
  runInNamespace,
} from '../../../src/linux/namespaces/netns.ts';
import { addAddress } from '../../../src/linux/netlink/address.ts';
import { changeLink, deleteLink, findLink } from '../../../src/linux/netlink/devices/link.ts';
import { replaceRoute } from '../../../src/linux/netlink/route.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { openSocket, SOCK, SOL } from '../../../src/linux/process/descriptor.ts';
import { AF, ANY_ADDRESS } from '../../../src/linux/sockets/address-family.ts';
import { openBoundTcp } from '../../../src/linux/sockets/bound-tcp.ts';
import { openBoundUdp } from '../../../src/linux/sockets/bound-udp.ts';
import { GROUPS_PER_SOCKET, GroupMember } from '../../../src/linux/sockets/group-member.ts';
import { EchoSocket } from '../../../src/linux/sockets/icmp/echo-socket.ts';
import { IcmpReceiver } from '../../../src/linux/sockets/icmp/icmp-receiver.ts';
import { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { writeSysctl } from '../../../src/linux/sysctl.ts';
import { type IpAddress, ip, ipBytes, ipFromBytes } from '../../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';
import { solicitedNodeAddress } from '../../../src/net/address/ipv6-multicast.ts';
import { internetChecksum } from '../../../src/net/checksum.ts';
import { ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { ownBytes } from '../../../src/net/owned-bytes.ts';
import { until } from '../until.ts';

const near = `cvsock6n${process.pid}`;
const far = `cvsock6f${process.pid}`;
const root = process.getuid?.() === 0;
const NEAR = ip('2001:db8:9::1');
const FAR = ip('2001:db8:9::2');
const VIP = ip('2001:db8:aa::10');
const HEADER_BYTES = 40;
const ETHERNET_BYTES = 14;
const NEXT_HEADER = { tcp: 6, udp: 17, ipv6: 41, fragment: 44, icmp: 58 } as const;

describe.skipIf(!root)('sockets of the slow path for IPv6 (needs root)', () => {
  let nearIndex: number;
  let farIndex: number;
  let socket: NetlinkSocket;

  beforeAll(() => {
    for (const name of [near, far]) {
      createNamespace(name);
      inNamespace(name, () => writeSysctl('net/ipv6/conf/default/accept_dad', '0'));
    }
    connectNamespaces({ namespace: near, name: 'eth0' }, { namespace: far, name: 'eth0' });
    socket = new NetlinkSocket(near);
    nearIndex = findLink(socket, 'eth0')?.index ?? 0;
    addAddress(socket, { ifIndex: nearIndex, address: NEAR, prefixLength: 64, noDad: true });
    using other = new NetlinkSocket(far);
    farIndex = findLink(other, 'eth0')?.index ?? 0;
    addAddress(other, { ifIndex: farIndex, address: FAR, prefixLength: 64, noDad: true });
  });

  afterAll(() => {
    socket?.close();
    deleteNamespace(near);
    deleteNamespace(far);
  });

  test.each([
    { description: 'tunnel packet', nextHeader: NEXT_HEADER.ipv6 },
    { description: 'fragment', nextHeader: NEXT_HEADER.fragment },
  ])('a raw sender sends a $description with a foreign source as it is', async ({ nextHeader }) => {
    using sender = inNamespace(near, () => new RawSender());
    using capture = inNamespace(far, () => new PacketSocket(farIndex, { receive: true }));
    // The fragment header of a first fragment: UDP, offset 0, more to come.
    const payload = Buffer.alloc(104, 7);
    payload.set([NEXT_HEADER.udp, 0, 0, 1, 0xca, 0xfe, 0xca, 0xfe]);
    const packet = buildIpv6({ source: VIP, destination: FAR, nextHeader }, payload);
    expect(sender.send(packet, FAR)).toBe(true);
    const seen = await until(() => {
      const frame = capture.receive()?.frame;
      return frame?.[ETHERNET_BYTES + 6] === nextHeader ? frame : undefined;
    });
    expect([...seen.subarray(ETHERNET_BYTES)]).toEqual([...packet]);
  });

  test('a raw sender says what the kernel refuses', () => {
    using sender = inNamespace(near, () => new RawSender());
    const fields = { source: NEAR, destination: FAR, nextHeader: NEXT_HEADER.ipv6 };
    expect(() => sender.send(buildIpv6(fields, Buffer.alloc(1461)), FAR)).toThrow(/EMSGSIZE/);
    expect(() => sender.send(buildIpv6(fields, Buffer.alloc(9)), ip('2001:db8:77::1'))).toThrow(
      /ENETUNREACH/,
    );
  });

  test('an ICMPv6 receiver gets errors as whole packets, and no other types', async () => {
    using receiver = inNamespace(near, () => new IcmpReceiver(6, [1, 3]));
    using echo = inNamespace(near, () => new EchoSocket({ source: NEAR }, () => undefined));
    echo.send(echoRequest(1), FAR);
    using sender = inNamespace(near, () => new RawSender());
    const unknown = udpDatagram(NEAR, FAR, 0x3039);
    sender.send(unknown, FAR);
    const packet = await until(() => copied(receiver.receive()));
    expect([packet[0], packet[6], packet[7]]).toEqual([0x60, NEXT_HEADER.icmp, 64]);
    expect(Buffer.from(packet).readUInt16BE(4)).toBe(packet.length - HEADER_BYTES);
    expect(ipFromBytes(packet.subarray(8, 24))).toBe(FAR);
    expect(ipFromBytes(packet.subarray(24, 40))).toBe(NEAR);
    expect([...packet.subarray(40, 42)]).toEqual([1, 4]);
    expect([...packet.subarray(48)]).toEqual([...unknown]);
    expect(receiver.receive()).toBeUndefined();
  });

  test('an echo socket hears the reply', async () => {
    const heard: Uint8Array[] = [];
    using echo = inNamespace(near, () => {
      return new EchoSocket({ source: ANY_ADDRESS[6] }, (packet) => heard.push(ownBytes(packet)));
    });
    echo.send(echoRequest(77), FAR);
    const reply = await until(() => heard[0]);
    expect(ipFromBytes(reply.subarray(8, 24))).toBe(FAR);
    expect(ipFromBytes(reply.subarray(24, 40))).toBe(NEAR);
    expect([reply[40], ...reply.subarray(44)]).toEqual([129, ...echoRequest(77).subarray(4)]);
  });

  test('a bound UDP socket hears that nobody listens', async () => {
    const opening = inNamespace(near, () => openBoundUdp({ source: NEAR }));
    const { socket: client, localPort } = await opening;
    client.connect(9, '2001:db8:9::2');
    await once(client, 'connect');
    expect(client.address()).toMatchObject({ family: 'IPv6', address: '2001:db8:9::1', port: localPort });
    client.send('x');
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    client.close();
  });

  test('a bound TCP socket has its port before it connects, through a TAP device', async () => {
    using tap = inNamespace(near, () => new Tap('cvtap6'));
    const ifIndex = findLink(socket, 'cvtap6')?.index ?? 0;
    changeLink(socket, ifIndex, { up: true, arp: false });
    replaceRoute(socket, { destination: VIP, prefixLength: 128, ifIndex });
    const bound = inNamespace(near, () => openBoundTcp({ source: NEAR }));
    const closed = once(bound.socket, 'close');
    bound.socket.on('error', () => undefined);
    bound.socket.connect(80, '2001:db8:aa::10');
    const syn = await until(() => {
      const frame = copied(tap.read()?.frame);
      const isTcp = frame?.[ETHERNET_BYTES + 6] === NEXT_HEADER.tcp;
      return isTcp && Buffer.from(frame).readUInt16BE(12) === ETHERTYPE.ipv6 ? frame : undefined;
    });
    const packet = Buffer.from(syn.subarray(ETHERNET_BYTES));
    expect(ipFromBytes(packet.subarray(8, 24))).toBe(NEAR);
    expect(ipFromBytes(packet.subarray(24, 40))).toBe(VIP);
    expect(packet.readUInt16BE(HEADER_BYTES)).toBe(bound.localPort);
    bound.socket.destroy();
    await closed;
    deleteLink(socket, ifIndex);
  });

  test('a TAP device tells how a merged TCP packet came', () => {
    inNamespace(near, () => makeOffloadingTap('cvtap7'));
    using tap = inNamespace(near, () => new Tap('cvtap7'));
    const ifIndex = findLink(socket, 'cvtap7')?.index ?? 0;
    inNamespace(near, () => writeSysctl('net/ipv6/conf/cvtap7/disable_ipv6', '1'));
    changeLink(socket, ifIndex, { up: true, arp: false });
    const tcp = Buffer.alloc(20 + 3000, 7);
    tcp.set([0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 2, 5 << 4, 0x10, 1, 0, 0, 0, 0, 0]);
    const packet = buildIpv6({ source: NEAR, destination: VIP, nextHeader: NEXT_HEADER.tcp }, tcp);
    const frame = Buffer.concat([Buffer.alloc(12, 2), Buffer.from('86dd', 'hex'), packet]);
    inNamespace(near, () => sendMerged(frame, { ifIndex, segmentBytes: 1200 }));
    expect(tap.read()).toEqual({
      frame: ownBytes(frame),
      segmentBytes: 1200,
      checksum: { start: ETHERNET_BYTES + HEADER_BYTES, at: ETHERNET_BYTES + HEADER_BYTES + 16 },
    });
    tap.close();
    deleteLink(socket, ifIndex);
  });

  test('a packet socket sends out of any interface', async () => {
    using sender = inNamespace(near, () => new PacketSocket(0));
    using capture = inNamespace(far, () => new PacketSocket(farIndex, { receive: true }));
    const frame = Buffer.concat([Buffer.alloc(12, 0xff), Buffer.from('88b5', 'hex'), Buffer.alloc(50, 9)]);
    expect(() => sender.send(frame)).toThrow(/ENXIO|ENODEV/);
    expect(sender.send(frame, nearIndex)).toBe(true);
    const seen = await until(() => {
      const captured = capture.receive()?.frame;
      return captured?.[12] === 0x88 ? captured : undefined;
    });
    expect(Buffer.compare(seen, frame)).toBe(0);
  });

  test('a multicast group is joined as long as the packet socket is open', async () => {
    const groups = async () => runInNamespace(near, ['ip', 'maddress', 'show', 'dev', 'eth0']);
    const member = inNamespace(near, () => new PacketSocket(nearIndex));
    expect(await groups()).not.toContain('33:33:ff:00:00:10');
    member.joinGroup(Buffer.from('3333ff000010', 'hex'));
    expect(await groups()).toContain('link  33:33:ff:00:00:10');
    member.close();
    expect(await groups()).not.toContain('33:33:ff:00:00:10');
  });

  test('a member of as many groups as one socket is given has itself reported for them until it ends', async () => {
    const groups = async () => runInNamespace(near, ['ip', '-6', 'maddress', 'show', 'dev', 'eth0']);
    const members = inNamespace(near, () => new GroupMember());
    for (let last = 1; last <= GROUPS_PER_SOCKET; last++) {
      members.join(
        solicitedNodeAddress(ip(`2001:db8:77::77:${last.toString(16)}`) as Ipv6Address),
        nearIndex,
      );
    }
    expect(await groups()).toContain('inet6 ff02::1:ff77:80\n');
    members[Symbol.dispose]();
    expect(await groups()).not.toContain('ff02::1:ff77');
  });

  test('a group cannot be joined on an interface that is gone, or without IPv6', async () => {
    using member = inNamespace(near, () => new GroupMember());
    const group = solicitedNodeAddress(VIP as Ipv6Address);
    expect(() => member.join(group, 99_999)).toThrow(/ENODEV/);
    await runInNamespace(near, ['ip', 'link', 'add', 'small', 'mtu', '1000', 'type', 'bridge']);
    using netlink = new NetlinkSocket(near);
    const small = findLink(netlink, 'small');
    expect(() => member.join(group, small?.index as number)).toThrow(/EINVAL/);
  });
});

function buildIpv6(
  fields: { readonly source: IpAddress; readonly destination: IpAddress; readonly nextHeader: number },
  payload: Uint8Array,
): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(0x6bc12345, 0);
  header.writeUInt16BE(payload.length, 4);
  header.writeUInt8(fields.nextHeader, 6);
  header.writeUInt8(61, 7);
  header.set(ipBytes(fields.source), 8);
  header.set(ipBytes(fields.destination), 24);
  return Buffer.concat([header, payload]);
}

/** Without data; the checksum is worked out so that the far end takes it. */
function udpDatagram(source: IpAddress, destination: IpAddress, port: number): Uint8Array {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(port, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(udp.length, 4);
  const pseudo = Buffer.concat([
    ipBytes(source),
    ipBytes(destination),
    Buffer.of(0, udp.length, 0, NEXT_HEADER.udp),
  ]);
  const summed = Buffer.concat([pseudo, udp]);
  udp.writeUInt16BE(internetChecksum(summed, 0, summed.length), 6);
  return buildIpv6({ source, destination, nextHeader: NEXT_HEADER.udp }, udp);
}

/** As the program's own TAP devices, but that the kernel leaves packets merged that it sends there. */
function makeOffloadingTap(name: string): void {
  const [tunSetInterface, tunSetPersistent, tunSetOffload] = [0x400454ca, 0x400454cb, 0x400454d0];
  const fd = checked('open', libc.open('/dev/net/tun', 2, 0));
  const request = Buffer.alloc(40);
  request.write(name);
  request.writeUInt16LE(0x5002, 16);
  checked('create', libc.ioctl(fd, tunSetInterface, request));
  // Checksums, TSO for IPv4 and for IPv6.
  checked('offload', libc.ioctlValue(fd, tunSetOffload, 7));
  checked('persist', libc.ioctlValue(fd, tunSetPersistent, 1));
  libc.close(fd);
}

/** Hands a TCP packet over IPv6 to the kernel as if it had merged it itself; its checksum is left to be done. */
function sendMerged(
  frame: Uint8Array,
  to: { readonly ifIndex: number; readonly segmentBytes: number },
): void {
  const [packetVnetHeader, ethernetIpv6] = [15, 0x86dd];
  using sender = openSocket('test sender', { domain: AF.packet, type: SOCK.raw, protocol: 0 });
  sender.setOption(SOL.packet, packetVnetHeader, 1);
  // struct virtio_net_hdr: VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV6
  const header = Buffer.from([1, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
  const transportAt = ETHERNET_BYTES + HEADER_BYTES;
  header.writeUInt16LE(transportAt + 20, 2);
  header.writeUInt16LE(to.segmentBytes, 4);
  header.writeUInt16LE(transportAt, 6);
  header.writeUInt16LE(16, 8);
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF.packet, 0);
  address.writeUInt16BE(ethernetIpv6, 2);
  address.writeInt32LE(to.ifIndex, 4);
  sender.send(Buffer.concat([header, frame]), address);
}

function echoRequest(identifier: number): Uint8Array {
  return Uint8Array.of(128, 0, 0, 0, 0, identifier, 0, 1, 1, 2, 3, 4);
}

function copied(view: Uint8Array | undefined): Uint8Array | undefined {
  return view && ownBytes(view);
}
