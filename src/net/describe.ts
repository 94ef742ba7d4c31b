import { ARP_OPERATION, parseArp } from './arp.ts';
import { internetChecksum, transportChecksum } from './checksum.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE, formatMac, parseEthernet } from './ethernet.ts';
import { PARSE_FAULTS, type ParseFault } from './fault.ts';
import { ICMP_CODE, ICMP_HEADER_BYTES, ICMP_TYPE, isIcmpError, parseIcmp } from './icmp.ts';
import {
  IPV4_HEADER_BYTES,
  type Ipv4Header,
  ipv4ChecksumIsGood,
  PROTOCOL,
  parseQuotedIpv4Header,
} from './ipv4.ts';
import { formatIpv4 } from './ipv4-address.ts';
import { parseTcp, TCP_FLAGS, TCP_OPTION, type TcpHeader, type TcpOption, tcpOptions } from './tcp.ts';
import { parseUdp } from './udp.ts';

/** Bytes of which a description shows the digits at most. */
const SHOWN_BYTES = 32;

/** An IPv4 packet in readable lines, each layer indented below the one that carries it. */
export function describePacket(packet: Uint8Array): string {
  return ipv4Lines(packet, false).join('\n');
}

/** An Ethernet frame in readable lines. */
export function describeFrame(frame: Uint8Array): string {
  const header = parseEthernet(frame);
  if (typeof header === 'string') return faultLines('Ethernet', header, frame).join('\n');
  const payload = frame.subarray(ETHERNET_HEADER_BYTES);
  const line = `Ethernet ${formatMac(header.source)} > ${formatMac(header.destination)}, type ${hex(header.etherType, 4)}, ${frame.length} bytes`;
  return [line, ...indent(etherPayloadLines(header.etherType, payload))].join('\n');
}

function etherPayloadLines(etherType: number, payload: Uint8Array): string[] {
  if (etherType === ETHERTYPE.ipv4) return ipv4Lines(payload, false);
  if (etherType === ETHERTYPE.arp) return arpLines(payload);
  return dataLines(payload);
}

function arpLines(bytes: Uint8Array): string[] {
  const arp = parseArp(bytes);
  if (typeof arp === 'string') return faultLines('ARP', arp, bytes);
  const sender = `${formatIpv4(arp.senderAddress)} (${formatMac(arp.senderMac)})`;
  const target = `${formatIpv4(arp.targetAddress)} (${formatMac(arp.targetMac)})`;
  const operation =
    arp.operation === ARP_OPERATION.request
      ? 'request'
      : arp.operation === ARP_OPERATION.reply
        ? 'reply'
        : `operation ${arp.operation}`;
  return [`ARP ${operation}, sender ${sender}, target ${target}`];
}

/** `quoted`: as in an ICMP error, where the packet may be cut off and checksums can't be verified. */
function ipv4Lines(bytes: Uint8Array, quoted: boolean): string[] {
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
  if (header.totalLength > bytes.length) {
    lines.push(`  ${quoted ? 'cut off' : 'TRUNCATED'} after ${bytes.length} bytes`);
  }
  lines.push(...indent(ipv4PayloadLines(bytes, header, quoted)));
  if (bytes.length > header.totalLength) {
    lines.push(`  ${bytes.length - header.totalLength} bytes behind the packet`);
  }
  return lines;
}

function ipv4PayloadLines(bytes: Uint8Array, header: Ipv4Header, quoted: boolean): string[] {
  const payload = bytes.subarray(header.headerBytes, header.totalLength);
  if (header.fragmentOffsetBytes > 0) return dataLines(payload);
  const whole = bytes.length >= header.totalLength && !header.moreFragments;
  switch (header.protocol) {
    case PROTOCOL.tcp:
      return tcpLines(payload, whole ? header : undefined);
    case PROTOCOL.udp:
      return udpLines(payload, whole ? header : undefined);
    case PROTOCOL.icmp:
      return icmpLines(payload, whole);
    case PROTOCOL.ipip:
      return ipv4Lines(payload, quoted);
    default:
      return dataLines(payload);
  }
}

function tcpLines(segment: Uint8Array, whole: Ipv4Header | undefined): string[] {
  const header = parseTcp(segment, 0);
  if (typeof header === 'string') return faultLines('TCP', header, segment);
  const lines = [
    `TCP ${header.sourcePort} > ${header.destinationPort} [${flagNames(header)}]`,
    `  seq ${header.sequence}, ack ${header.acknowledgment}, window ${header.window}, ` +
      `checksum ${hex(header.checksum, 4)}${transportVerdict(segment, whole)}`,
  ];
  const options = tcpOptions(segment, 0, header.headerBytes);
  if (options.length > 0) lines.push(`  options [${options.map(optionText).join(', ')}]`);
  return [...lines, ...indent(dataLines(segment.subarray(header.headerBytes)))];
}

function flagNames(header: TcpHeader): string {
  return Object.entries(TCP_FLAGS)
    .filter(([, bit]) => (header.flags & bit) !== 0)
    .map(([name]) => name.toUpperCase())
    .join(' ');
}

function optionText({ kind, data }: TcpOption): string {
  const name = Object.entries(TCP_OPTION).find(([, value]) => value === kind)?.[0] ?? `kind ${kind}`;
  if (kind === TCP_OPTION.mss && data.length === 2) {
    return `mss ${((data[0] as number) << 8) | (data[1] as number)}`;
  }
  return data.length === 0 ? name : `${name} ${hexBytes(data)}`;
}

function udpLines(datagram: Uint8Array, whole: Ipv4Header | undefined): string[] {
  const header = parseUdp(datagram, 0);
  if (header === 'udp-length' && whole === undefined) return [`UDP, cut off`, ...indent(dataLines(datagram))];
  if (typeof header === 'string') return faultLines('UDP', header, datagram);
  const verdict = header.checksum === 0 ? ' (none)' : transportVerdict(datagram, whole);
  return [
    `UDP ${header.sourcePort} > ${header.destinationPort}, length ${header.length}, ` +
      `checksum ${hex(header.checksum, 4)}${verdict}`,
    ...indent(dataLines(datagram.subarray(8, header.length))),
  ];
}

function transportVerdict(segment: Uint8Array, header: Ipv4Header | undefined): string {
  if (header === undefined) return '';
  const rest = transportChecksum(segment, header.source, header.destination, header.protocol);
  return rest === 0 ? ' good' : ' WRONG';
}

function icmpLines(message: Uint8Array, whole: boolean): string[] {
  const header = parseIcmp(message, 0);
  if (typeof header === 'string') return faultLines('ICMP', header, message);
  const checksum = !whole ? '' : internetChecksum(message, 0, message.length) === 0 ? ' good' : ' WRONG';
  const name = Object.entries(ICMP_TYPE).find(([, type]) => type === header.type)?.[0] ?? 'unknown type';
  const needsFragmentation =
    header.type === ICMP_TYPE.destinationUnreachable && header.code === ICMP_CODE.fragmentationNeeded;
  const detail = needsFragmentation
    ? `, fragmentation needed, MTU ${header.nextHopMtu}`
    : `, rest ${hex(header.rest, 8)}`;
  const line = `ICMP type ${header.type} code ${header.code} (${name})${detail}, checksum ${hex(header.checksum, 4)}${checksum}`;
  const payload = message.subarray(ICMP_HEADER_BYTES);
  return [line, ...indent(isIcmpError(header.type) ? ipv4Lines(payload, true) : dataLines(payload))];
}

function dataLines(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return [];
  const more = bytes.length > SHOWN_BYTES ? ' ...' : '';
  return [`data, ${bytes.length} bytes: ${hexBytes(bytes.subarray(0, SHOWN_BYTES))}${more}`];
}

function faultLines(layer: string, fault: ParseFault, bytes: Uint8Array): string[] {
  return [`${layer} MALFORMED: ${PARSE_FAULTS[fault]}`, ...indent(dataLines(bytes))];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
