import type { IpAddress } from '../net/ip-address.ts';

/** What decisions need of an IP header of either family, in the words of IPv4's; an `Ipv4Header` is one. */
export interface IpHeader {
  /** Where the upper layer begins: behind options or extension headers. */
  readonly headerBytes: number;
  /** TOS or traffic class. */
  readonly tos: number;
  readonly totalLength: number;
  /** Of the packet that it is a fragment of. */
  readonly id: number;
  /** DF; true of all IPv6, which routers don't fragment. */
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  readonly fragmentOffsetBytes: number;
  /** TTL or hop limit. */
  readonly ttl: number;
  /** Of the upper layer: one of `PROTOCOL`, or whatever else there is. */
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** A sound packet, cut to its total length. */
export interface IpPacket {
  readonly bytes: Uint8Array;
  readonly header: IpHeader;
}
