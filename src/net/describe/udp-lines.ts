// Describes UDP.
import { PROTOCOL } from '../headers/ipv4.ts';
import { parseUdp, UDP_HEADER_BYTES } from '../headers/udp.ts';
import { type Carrier, transportVerdict } from './carrier.ts';
import { gueLines } from './gue-lines.ts';
import { dataLines, faultLines, hex, indent } from './text.ts';

export function udpLines(datagram: Uint8Array, carrier: Carrier): string[] {
  const header = parseUdp(datagram, 0);
  if (header === 'udp-length' && !carrier.whole) return [`UDP, cut off`, ...indent(dataLines(datagram))];
  if (typeof header === 'string') return faultLines('UDP', header, datagram);
  const verdict = header.checksum === 0 ? ' (none)' : transportVerdict(datagram, carrier, PROTOCOL.udp);
  const payload = datagram.subarray(UDP_HEADER_BYTES, header.length);
  const isGue = carrier.guePorts.has(header.destinationPort);
  return [
    `UDP ${header.sourcePort} > ${header.destinationPort}, length ${header.length}, ` +
      `checksum ${hex(header.checksum, 4)}${verdict}`,
    ...indent(isGue ? gueLines(payload, carrier) : dataLines(payload)),
  ];
}
