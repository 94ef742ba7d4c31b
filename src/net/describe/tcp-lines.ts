// Describes TCP.
import { PROTOCOL } from '../headers/ipv4.ts';
import {
  parseTcp,
  TCP_FLAGS,
  TCP_OPTION,
  type TcpHeader,
  type TcpOption,
  tcpOptions,
} from '../headers/tcp.ts';
import { type Carrier, transportVerdict } from './carrier.ts';
import { dataLines, faultLines, hex, hexBytes, indent, nameOf } from './text.ts';

export function tcpLines(segment: Uint8Array, carrier: Carrier): string[] {
  const header = parseTcp(segment, 0);
  if (typeof header === 'string') return faultLines('TCP', header, segment);
  const lines = [
    `TCP ${header.sourcePort} > ${header.destinationPort} [${flagNames(header)}]`,
    `  seq ${header.sequence}, ack ${header.acknowledgment}, window ${header.window}, ` +
      `checksum ${hex(header.checksum, 4)}${transportVerdict(segment, carrier, PROTOCOL.tcp)}`,
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
  const name = nameOf(TCP_OPTION, kind) ?? `kind ${kind}`;
  if (kind === TCP_OPTION.mss && data.length === 2) {
    return `mss ${((data[0] as number) << 8) | (data[1] as number)}`;
  }
  return data.length === 0 ? name : `${name} ${hexBytes(data)}`;
}
