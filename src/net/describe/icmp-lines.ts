// Describes ICMP.
import { internetChecksum } from '../checksum.ts';
import { ICMP_CODE, ICMP_HEADER_BYTES, ICMP_TYPE, isIcmpError, parseIcmp } from '../headers/icmp.ts';
import { type Carrier, verdict } from './carrier.ts';
import { dataLines, faultLines, hex, indent, nameOf } from './text.ts';

export function icmpLines(message: Uint8Array, carrier: Carrier): string[] {
  const header = parseIcmp(message, 0);
  if (typeof header === 'string') return faultLines('ICMP', header, message);
  const checksum = verdict(carrier, () => internetChecksum(message, 0, message.length) === 0);
  const name = nameOf(ICMP_TYPE, header.type) ?? 'unknown type';
  const needsFragmentation =
    header.type === ICMP_TYPE.destinationUnreachable && header.code === ICMP_CODE.fragmentationNeeded;
  const detail = needsFragmentation
    ? `, fragmentation needed, MTU ${header.nextHopMtu}`
    : `, rest ${hex(header.rest, 8)}`;
  const line = `ICMP type ${header.type} code ${header.code} (${name})${detail}, checksum ${hex(header.checksum, 4)}${checksum}`;
  const payload = message.subarray(ICMP_HEADER_BYTES);
  return [line, ...indent(isIcmpError(header.type) ? carrier.describeIp(payload, true) : dataLines(payload))];
}
