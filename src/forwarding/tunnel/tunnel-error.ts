// Reads ICMP errors about packets in the director's tunnels.
import type { IpFamily } from '../../net/address/ip-address.ts';
import { readU16, readU32 } from '../../net/bytes.ts';
import { internetChecksum, transportChecksum } from '../../net/checksum.ts';
import { isFault } from '../../net/fault.ts';
import { ETHERTYPE } from '../../net/headers/ethernet.ts';
import { parseGre } from '../../net/headers/gre.ts';
import { parseGue } from '../../net/headers/gue.ts';
import { ICMP_CODE, ICMP_HEADER_BYTES, ICMP_TYPE } from '../../net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../net/headers/icmpv6.ts';
import { ipv4ChecksumIsGood, PROTOCOL } from '../../net/headers/ipv4.ts';
import { UDP_HEADER_BYTES } from '../../net/headers/udp.ts';
import type { Tunnel } from '../forwarding-table.ts';
import { type IpHeader, isFragment, parseIpHeader, parseQuotedIpHeader } from '../packets/ip-header.ts';

/** A trouble with an outer packet that a router on the way to a real reports. */
export type TunnelTrouble = 'too-big' | 'unreachable' | 'time-exceeded' | 'source-quench';

/** An ICMP error about a packet in one of the director's tunnels. */
export interface TunnelError {
  readonly trouble: TunnelTrouble;
  readonly type: number;
  readonly code: number;
  /** For too-big: the MTU that the router reports, 0 if it reports none. */
  readonly mtuBytes: number;
  readonly outer: IpHeader;
  readonly tunnelType: Tunnel['type'];
  /** The UDP port, for GUE. */
  readonly tunnelPort: number;
  /** The quoted bytes, from the outer header on. */
  readonly quote: Uint8Array;
  /** The offset of the inner header in the quote; may be beyond its end. */
  readonly innerAt: number;
}

/** Reads an error from a whole packet and verifies checksums. Returns undefined for anything else. */
export function readTunnelError(packet: Uint8Array): TunnelError | undefined {
  const header = parseIpHeader(packet);
  if (isFault(header) || isFragment(header)) return undefined;
  const message = packet.subarray(header.headerBytes, header.totalLength);
  return isSoundIcmp(packet, header, message) ? readErrorMessage(message, header.family) : undefined;
}

/** Reads an error from an ICMP or ICMPv6 message alone, whose checksum is known to be good. */
export function readErrorMessage(message: Uint8Array, family: IpFamily): TunnelError | undefined {
  if (message.length < ICMP_HEADER_BYTES) return undefined;
  const [type, code] = message as unknown as [number, number];
  const trouble = family === 4 ? icmpTrouble(type, code) : ICMPV6_TROUBLES[type];
  const quote = message.subarray(ICMP_HEADER_BYTES);
  const outer = parseQuotedIpHeader(quote, 0);
  if (trouble === undefined || isFault(outer) || outer.family !== family) return undefined;
  if (outer.fragmentOffsetBytes > 0) return undefined;
  const tunnel = readTunnelHeader(quote, outer);
  const mtuBytes = family === 4 ? readU16(message, 6) : readU32(message, 4);
  return tunnel && { trouble, type, code, mtuBytes, outer, quote, ...tunnel };
}

function isSoundIcmp(packet: Uint8Array, header: IpHeader, message: Uint8Array): boolean {
  const { family, headerBytes, protocol, source, destination } = header;
  if (family === 6) {
    return protocol === PROTOCOL.icmpv6 && transportChecksum(message, source, destination, protocol) === 0;
  }
  return (
    protocol === PROTOCOL.icmp &&
    ipv4ChecksumIsGood(packet, 0, headerBytes) &&
    internetChecksum(message, 0, message.length) === 0
  );
}

/** Returns the trouble that an ICMP type and code stand for. As in IPVS, redirect and parameter problem are not passed on. */
function icmpTrouble(type: number, code: number): TunnelTrouble | undefined {
  switch (type) {
    case ICMP_TYPE.destinationUnreachable:
      return code === ICMP_CODE.fragmentationNeeded ? 'too-big' : 'unreachable';
    case ICMP_TYPE.timeExceeded:
      return 'time-exceeded';
    case ICMP_TYPE.sourceQuench:
      return 'source-quench';
    default:
      return undefined;
  }
}

const ICMPV6_TROUBLES: Readonly<Record<number, TunnelTrouble>> = {
  [ICMPV6_TYPE.destinationUnreachable]: 'unreachable',
  [ICMPV6_TYPE.packetTooBig]: 'too-big',
  [ICMPV6_TYPE.timeExceeded]: 'time-exceeded',
};

type TunnelHeader = Pick<TunnelError, 'tunnelType' | 'tunnelPort' | 'innerAt'>;

/** Reads the quoted tunnel header. Only headers that `encapsulate` writes count. */
function readTunnelHeader(quote: Uint8Array, outer: IpHeader): TunnelHeader | undefined {
  const at = outer.headerBytes;
  switch (outer.protocol) {
    case PROTOCOL.ipip:
    case PROTOCOL.ipv6:
      return { tunnelType: 'ipip', tunnelPort: 0, innerAt: at };
    case PROTOCOL.gre:
      return readGre(quote, at);
    case PROTOCOL.udp:
      return readGue(quote, at);
    default:
      return undefined;
  }
}

function readGre(quote: Uint8Array, at: number): TunnelHeader | undefined {
  const gre = parseGre(quote, at);
  if (isFault(gre) || gre.key !== undefined || gre.sequence !== undefined) return undefined;
  if (gre.etherType !== ETHERTYPE.ipv4 && gre.etherType !== ETHERTYPE.ipv6) return undefined;
  return { tunnelType: 'gre', tunnelPort: 0, innerAt: at + gre.headerBytes };
}

/** Reads GUE in a quote. The eight bytes that RFC 792 requires hold the UDP header only. */
function readGue(quote: Uint8Array, at: number): TunnelHeader | undefined {
  const gueAt = at + UDP_HEADER_BYTES;
  if (quote.length < gueAt) return undefined;
  const tunnelPort = readU16(quote, at + 2);
  const gue = parseGue(quote, gueAt);
  if (gue === 'gue-truncated') return { tunnelType: 'gue', tunnelPort, innerAt: quote.length };
  if (isFault(gue) || gue.control) return undefined;
  return { tunnelType: 'gue', tunnelPort, innerAt: gueAt + gue.headerBytes };
}
