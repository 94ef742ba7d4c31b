// Tunnel devices, by netlink.
import { type IpAddress, ipBytes } from '../../../net/address/ip-address.ts';
import { type Attribute, be16, u8, u16, u32 } from '../attributes.ts';
import type { NetlinkSocket } from '../socket.ts';
import { changeLinkKind, createLink, type LinkInfo } from './link.ts';

/** The kind of tunnel, by its outer header: IPv4 for `ipip`, `sit` and `gre`, IPv6 for `ip6tnl` and `ip6gre`. */
export type TunnelKind = 'ipip' | 'sit' | 'ip6tnl' | 'gre' | 'ip6gre';

/** A UDP header around it as well; how the receiver tells is the port (see `fou.ts`). */
export interface UdpEncapsulation {
  readonly type: 'fou' | 'gue';
  readonly destinationPort: number;
  /** Left out: one that tells flows apart. */
  readonly sourcePort?: number;
  /** The checksum of the UDP header. */
  readonly checksum?: boolean;
  /** GUE's remote checksum offload. */
  readonly remoteChecksum?: boolean;
}

export interface TunnelSettings {
  readonly kind: TunnelKind;
  /** Left out: any of the host's addresses. */
  readonly local?: IpAddress;
  /** Left out: it takes the packets of every sender, as the modules' own devices (`tunl0`, ...) do. */
  readonly remote?: IpAddress;
  /** IP protocol of the inner packet, 4 or 41, 0 for both; left out: the kind's own. Not for GRE. */
  readonly innerProtocol?: number;
  /** The TTL of the outer packet; defaults to the inner one's. */
  readonly timeToLive?: number;
  /** GRE's checksum: sent, and demanded; without it packets that have one are dropped. */
  readonly checksum?: boolean;
  readonly udp?: UdpEncapsulation;
}

export interface NewTunnel extends TunnelSettings {
  readonly name: string;
  readonly mtuBytes?: number;
}

/** include/uapi/linux/if_tunnel.h: two lists of attributes for the same things. */
const IPTUN = { local: 2, remote: 3, timeToLive: 4, flags: 8, protocol: 9, encapsulation: 15 } as const;
const GRE = {
  inFlags: 2,
  outFlags: 3,
  local: 6,
  remote: 7,
  timeToLive: 8,
  flags: 13,
  encapsulation: 14,
} as const;
/** Counted from `encapsulation`. */
const ENCAPSULATION = { type: 0, flags: 1, sourcePort: 2, destinationPort: 3 } as const;
const ENCAPSULATION_TYPE = { fou: 1, gue: 2 } as const;
const ENCAPSULATION_FLAG = { checksum: 1, checksumIpv6: 2, remoteChecksum: 4 } as const;
const GRE_CHECKSUM = 0x8000;
/** The flag without which the kernel puts a destination option into every outer IPv6 header. */
const IP6_TNL_F_IGN_ENCAP_LIMIT = 1;

/**
 * @throws CulvertError KERNEL: EOPNOTSUPP when the kernel has no such tunnels; EINVAL when they are to be in UDP and the
 * modules `fou` and, for an outer IPv6 header, `fou6` are not loaded; EEXIST when there is a device of that name or one
 * with the same addresses.
 */
export function createTunnel(socket: NetlinkSocket, tunnel: NewTunnel): void {
  const { name, mtuBytes } = tunnel;
  createLink(socket, { name, ...(mtuBytes === undefined ? {} : { mtuBytes }), ...tunnelInfo(tunnel) });
}

/** Changes a tunnel. Options that are left out get the values of a new device. */
export function changeTunnel(socket: NetlinkSocket, index: number, settings: TunnelSettings): void {
  changeLinkKind(socket, index, tunnelInfo(settings));
}

function tunnelInfo(tunnel: TunnelSettings): LinkInfo {
  const isGre = tunnel.kind === 'gre' || tunnel.kind === 'ip6gre';
  const names = isGre ? GRE : IPTUN;
  const data: Attribute[] = isGre ? greChecksum(tunnel.checksum ?? false) : [];
  if (tunnel.local !== undefined) data.push([names.local, ipBytes(tunnel.local)]);
  if (tunnel.remote !== undefined) data.push([names.remote, ipBytes(tunnel.remote)]);
  if (tunnel.timeToLive !== undefined) data.push([names.timeToLive, u8(tunnel.timeToLive)]);
  if (tunnel.innerProtocol !== undefined) data.push([IPTUN.protocol, u8(tunnel.innerProtocol)]);
  if (tunnel.kind === 'ip6tnl' || tunnel.kind === 'ip6gre') {
    data.push([names.flags, u32(IP6_TNL_F_IGN_ENCAP_LIMIT)]);
  }
  if (tunnel.udp !== undefined) data.push(...udpAttributes(names.encapsulation, tunnel.udp));
  return { kind: tunnel.kind, data };
}

function greChecksum(checksum: boolean): Attribute[] {
  const flags = be16(checksum ? GRE_CHECKSUM : 0);
  return [
    [GRE.inFlags, flags],
    [GRE.outFlags, flags],
  ];
}

function udpAttributes(first: number, udp: UdpEncapsulation): Attribute[] {
  const { checksum = false, remoteChecksum = false } = udp;
  const flags =
    (checksum ? ENCAPSULATION_FLAG.checksum | ENCAPSULATION_FLAG.checksumIpv6 : 0) |
    (remoteChecksum ? ENCAPSULATION_FLAG.remoteChecksum : 0);
  return [
    [first + ENCAPSULATION.type, u16(ENCAPSULATION_TYPE[udp.type])],
    [first + ENCAPSULATION.flags, u16(flags)],
    [first + ENCAPSULATION.sourcePort, be16(udp.sourcePort ?? 0)],
    [first + ENCAPSULATION.destinationPort, be16(udp.destinationPort)],
  ];
}
