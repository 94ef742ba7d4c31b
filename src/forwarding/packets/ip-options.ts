// Fills in the IPv4 options record route and timestamp, as a router does.
import type { Ipv4Address } from '../../net/address/ipv4-address.ts';
import { writeU32 } from '../../net/bytes.ts';
import { IPV4_HEADER_BYTES, writeIpv4Checksum } from '../../net/headers/ipv4.ts';
import { ownBytes } from '../../net/owned-bytes.ts';

const OPTION = {
  end: 0,
  nop: 1,
  recordRoute: 7,
  timestamp: 68,
  looseSource: 131,
  strictSource: 137,
} as const;
const TIMESTAMP_FLAG = { alone: 0, withAddress: 1, prespecified: 3 } as const;
/** The bit of a timestamp that is not milliseconds since midnight UT (RFC 791). */
const NOT_SINCE_MIDNIGHT = 0x8000_0000;

export interface Stamp {
  /** The address that the kernel records for a packet to a local address: that same address. */
  readonly address: Ipv4Address;
  readonly nowMs: number;
}

export type OptionFault = 'source-route' | 'malformed-ip';

/**
 * Returns a copy of the packet with record route and timestamp filled in (RFC 791, section 3.1) and its checksum renewed. A full
 * list stays as it is, except for the timestamp's overflow count. All other options stay as they are.
 */
export function fillInOptions(
  packet: Uint8Array,
  headerBytes: number,
  stamp: Stamp,
): Uint8Array | OptionFault {
  const copy = ownBytes(packet);
  let at = IPV4_HEADER_BYTES;
  while (at < headerBytes && copy[at] !== OPTION.end) {
    if (copy[at] === OPTION.nop) {
      at += 1;
      continue;
    }
    const length = at + 1 < headerBytes ? (copy[at + 1] as number) : 0;
    if (length < 2 || at + length > headerBytes) return 'malformed-ip';
    const fault = fillIn(copy.subarray(at, at + length), stamp);
    if (fault !== undefined) return fault;
    at += length;
  }
  writeIpv4Checksum(copy, 0, headerBytes);
  return copy;
}

function fillIn(option: Uint8Array, stamp: Stamp): OptionFault | undefined {
  switch (option[0]) {
    case OPTION.looseSource:
    case OPTION.strictSource:
      return 'source-route';
    case OPTION.recordRoute:
      return recordRoute(option, stamp.address);
    case OPTION.timestamp:
      return recordTime(option, stamp);
    default:
      return undefined;
  }
}

function recordRoute(option: Uint8Array, address: Ipv4Address): OptionFault | undefined {
  const pointer = option[2] ?? 0;
  if (pointer < 4) return 'malformed-ip';
  if (pointer > option.length) return undefined;
  if (pointer + 3 > option.length) return 'malformed-ip';
  writeU32(option, pointer - 1, address);
  option[2] = pointer + 4;
  return undefined;
}

function recordTime(option: Uint8Array, { address, nowMs }: Stamp): OptionFault | undefined {
  const pointer = option[2] ?? 0;
  const overflowAndFlag = option[3] ?? 0;
  if (option.length < 4 || pointer < 5) return 'malformed-ip';
  const flag = overflowAndFlag & 15;
  if (pointer > option.length) {
    if (overflowAndFlag >> 4 === 15) return 'malformed-ip';
    // With a list of given addresses only those hosts are asked, so others do not count as overflow.
    if (flag !== TIMESTAMP_FLAG.prespecified) option[3] = overflowAndFlag + 0x10;
    return undefined;
  }
  const time = ((nowMs | NOT_SINCE_MIDNIGHT) >>> 0) % 2 ** 32;
  if (flag === TIMESTAMP_FLAG.alone) {
    if (pointer + 3 > option.length) return 'malformed-ip';
    writeU32(option, pointer - 1, time);
    option[2] = pointer + 4;
    return undefined;
  }
  if (flag !== TIMESTAMP_FLAG.withAddress && flag !== TIMESTAMP_FLAG.prespecified) return 'malformed-ip';
  if (pointer + 7 > option.length) return 'malformed-ip';
  if (flag === TIMESTAMP_FLAG.prespecified && !names(option, pointer - 1, address)) return undefined;
  writeU32(option, pointer - 1, address);
  writeU32(option, pointer + 3, time);
  option[2] = pointer + 8;
  return undefined;
}

function names(option: Uint8Array, at: number, address: Ipv4Address): boolean {
  return [24, 16, 8, 0].every((shift, i) => option[at + i] === ((address >>> shift) & 255));
}
