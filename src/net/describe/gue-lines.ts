// Describes GUE.
import { readU16 } from '../bytes.ts';
import { finishRemoteChecksum, type GueHeader, parseGue } from '../headers/gue.ts';
import { PROTOCOL } from '../headers/ipv4.ts';
import type { Carrier } from './carrier.ts';
import { dataLines, faultLines, hex, indent } from './text.ts';

/** Shows the inner packet with its checksum as the receiver finishes it, after a line with the value on the wire. */
export function gueLines(datagram: Uint8Array, carrier: Carrier): string[] {
  const header = parseGue(datagram, 0);
  if (typeof header === 'string') return faultLines('GUE', header, datagram);
  const payload = datagram.subarray(header.headerBytes);
  if (header.control) return [`GUE control ${header.protocol}`, ...indent(dataLines(payload))];
  const line = `GUE protocol ${header.protocol}${remoteText(header, payload)}`;
  return [line, ...indent(innerLines(header, payload, carrier))];
}

function innerLines(header: GueHeader, payload: Uint8Array, { whole, describeIp }: Carrier): string[] {
  const { protocol, remoteChecksum } = header;
  if (protocol !== PROTOCOL.ipip && protocol !== PROTOCOL.ipv6) return dataLines(payload);
  const finished =
    whole && remoteChecksum !== undefined ? finishRemoteChecksum(payload, remoteChecksum) : payload;
  return describeIp(finished ?? payload, !whole);
}

function remoteText({ remoteChecksum }: GueHeader, payload: Uint8Array): string {
  if (remoteChecksum === undefined) return '';
  const { startBytes, offsetBytes } = remoteChecksum;
  const text = `, remote checksum from ${startBytes} at ${offsetBytes}`;
  return offsetBytes + 2 > payload.length
    ? `${text} BEYOND THE PACKET`
    : `${text}, sent as ${hex(readU16(payload, offsetBytes), 4)}`;
}
