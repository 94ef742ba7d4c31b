// Describes GRE.
import { ETHERTYPE } from '../headers/ethernet.ts';
import { type GreHeader, greChecksumIsGood, parseGre } from '../headers/gre.ts';
import { type Carrier, verdict } from './carrier.ts';
import { dataLines, faultLines, hex, indent } from './text.ts';

export function greLines(bytes: Uint8Array, carrier: Carrier): string[] {
  const header = parseGre(bytes, 0);
  if (typeof header === 'string') return faultLines('GRE', header, bytes);
  const payload = bytes.subarray(header.headerBytes);
  const isIp = header.etherType === ETHERTYPE.ipv4 || header.etherType === ETHERTYPE.ipv6;
  return [
    `GRE type ${hex(header.etherType, 4)}${optionalText(header, bytes, carrier)}`,
    ...indent(isIp ? carrier.describeIp(payload, !carrier.whole) : dataLines(payload)),
  ];
}

function optionalText({ checksum, key, sequence }: GreHeader, bytes: Uint8Array, carrier: Carrier): string {
  return [
    checksum !== undefined &&
      `, checksum ${hex(checksum, 4)}${verdict(carrier, () => greChecksumIsGood(bytes, 0))}`,
    key !== undefined && `, key ${hex(key, 8)}`,
    sequence !== undefined && `, sequence ${sequence}`,
  ]
    .filter((text) => text !== false)
    .join('');
}
