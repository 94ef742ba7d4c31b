// Describes IP packets, and the packets in them.
import { formatIpv4 } from '../address/ipv4-address.ts';
import { formatIpv6 } from '../address/ipv6-address.ts';
import {
  IPV4_HEADER_BYTES,
  type Ipv4Header,
  ipv4ChecksumIsGood,
  parseQuotedIpv4Header,
} from '../headers/ipv4.ts';
import { IPV6_HEADER_BYTES, type Ipv6Header, parseQuotedIpv6Header } from '../headers/ipv6.ts';
import { findUpperLayer, type UpperLayer } from '../headers/ipv6-extensions.ts';
import type { Carrier } from './carrier.ts';
import { ipPayloadLines } from './ip-payload-lines.ts';
import { dataLines, faultLines, hex, hexBytes, indent } from './text.ts';

/** Packets in packets that are looked into; a forged one could hold thousands. */
const MAX_DEPTH = 8;

export interface IpContext {
  /** It may end before its length says so, as when an ICMP error quotes it. */
  readonly cutOff: boolean;
  readonly depth: number;
  readonly guePorts: ReadonlySet<number>;
}

/** An IP packet of either family. */
export function ipLines(bytes: Uint8Array, context: IpContext): string[] {
  if (context.depth === MAX_DEPTH) return dataLines(bytes);
  return (bytes[0] ?? 0) >> 4 === 6 ? ipv6Lines(bytes, context) : ipv4Lines(bytes, context);
}

function ipv4Lines(bytes: Uint8Array, context: IpContext): string[] {
  const header = parseQuotedIpv4Header(bytes);
  if (typeof header === 'string') return faultLines('IPv4', header, bytes);
  const flags = [header.dontFragment ? 'DF' : '', header.moreFragments ? 'MF' : ''].filter(Boolean);
  const checksum = ipv4ChecksumIsGood(bytes, 0, header.headerBytes) ? 'good' : 'WRONG';
  const lines = [
    `IPv4 ${formatIpv4(header.source)} > ${formatIpv4(header.destination)}, length ${header.totalLength}`,
    `  id ${hex(header.id, 4)}, flags [${flags.join(' ')}], offset ${header.fragmentOffsetBytes}, ttl ${header.ttl}, ` +
      `tos ${hex(header.tos, 2)}, protocol ${header.protocol}, checksum ${hex(header.checksum, 4)} ${checksum}`,
  ];
  if (header.headerBytes > IPV4_HEADER_BYTES) {
    lines.push(`  options ${hexBytes(bytes.subarray(IPV4_HEADER_BYTES, header.headerBytes))}`);
  }
  const payload = bytes.subarray(header.headerBytes, header.totalLength);
  const inside =
    header.fragmentOffsetBytes > 0
      ? dataLines(payload)
      : ipPayloadLines(
          header.protocol,
          payload,
          carrierOf(bytes, header, { ...context, isFragment: header.moreFragments }),
        );
  return withLengths(lines, inside, { bytes, totalLength: header.totalLength, context });
}

function ipv6Lines(bytes: Uint8Array, context: IpContext): string[] {
  const header = parseQuotedIpv6Header(bytes);
  if (typeof header === 'string') return faultLines('IPv6', header, bytes);
  const lines = [
    `IPv6 ${formatIpv6(header.source)} > ${formatIpv6(header.destination)}, length ${header.totalLength}`,
    `  hop limit ${header.hopLimit}, class ${hex(header.trafficClass, 2)}, flow ${hex(header.flowLabel, 5)}, next header ${header.nextHeader}`,
  ];
  return withLengths(lines, ipv6PayloadLines(bytes, header, context), {
    bytes,
    totalLength: header.totalLength,
    context,
  });
}

function ipv6PayloadLines(bytes: Uint8Array, header: Ipv6Header, context: IpContext): string[] {
  const upper = findUpperLayer(bytes);
  if (typeof upper === 'string') {
    return faultLines('extension headers', upper, bytes.subarray(IPV6_HEADER_BYTES, header.totalLength));
  }
  const payload = bytes.subarray(upper.at, header.totalLength);
  const { fragment } = upper;
  const inside =
    fragment !== undefined && fragment.offsetBytes > 0
      ? dataLines(payload)
      : ipPayloadLines(
          upper.protocol,
          payload,
          carrierOf(bytes, header, { ...context, isFragment: fragment?.more ?? false }),
        );
  return [...extensionLines(bytes, upper), ...inside];
}

function extensionLines(bytes: Uint8Array, { at, protocol, fragment, routing }: UpperLayer): string[] {
  if (at === IPV6_HEADER_BYTES) return [];
  const lines = [
    `extension headers ${hexBytes(bytes.subarray(IPV6_HEADER_BYTES, at))}, then protocol ${protocol}`,
  ];
  if (routing !== undefined)
    lines.push(`  routing type ${routing.type}, segments left ${routing.segmentsLeft}`);
  if (fragment !== undefined) {
    const more = fragment.more ? ', more follow' : '';
    lines.push(`  fragment of id ${hex(fragment.id, 8)}, offset ${fragment.offsetBytes}${more}`);
  }
  return lines;
}

function carrierOf(
  bytes: Uint8Array,
  { source, destination, totalLength }: Ipv4Header | Ipv6Header,
  { isFragment, depth, guePorts }: IpContext & { readonly isFragment: boolean },
): Carrier {
  return {
    source,
    destination,
    packet: bytes.subarray(0, totalLength),
    whole: bytes.length >= totalLength && !isFragment,
    guePorts,
    describeIp: (packet, cutOff) => ipLines(packet, { cutOff, depth: depth + 1, guePorts }),
  };
}

interface Extent {
  readonly bytes: Uint8Array;
  readonly totalLength: number;
  readonly context: IpContext;
}

/** Returns the header's lines, the lines of its contents, and notes about missing and excess bytes. */
function withLengths(
  header: readonly string[],
  inside: readonly string[],
  { bytes, totalLength, context }: Extent,
): string[] {
  const excess = bytes.length - totalLength;
  return [
    ...header,
    ...(excess < 0 ? [`  ${context.cutOff ? 'cut off' : 'TRUNCATED'} after ${bytes.length} bytes`] : []),
    ...indent(inside),
    ...(excess > 0 ? [`  ${excess} bytes after the packet`] : []),
  ];
}
