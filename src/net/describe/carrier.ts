// The interfaces by which descriptions of nested packets are composed.
import type { IpAddress } from '../address/ip-address.ts';
import { transportChecksum } from '../checksum.ts';

/** Describes an IP packet in lines; `cutOff` if it may end before its length says so. */
export type DescribeIp = (packet: Uint8Array, cutOff: boolean) => string[];

/** The IP packet that carries a layer, as far as a description needs it. */
export interface Carrier {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The IP header up to its payload's end. */
  readonly packet: Uint8Array;
  /** All of its payload is there, so that checksums can be verified. */
  readonly whole: boolean;
  /** UDP ports behind which GUE is looked for. */
  readonly guePorts: ReadonlySet<number>;
  /** Describes the IP packets inside. */
  readonly describeIp: DescribeIp;
}

/** Returns ` good` or ` WRONG`; empty when the checksum cannot be verified. */
export function transportVerdict(segment: Uint8Array, carrier: Carrier, protocol: number): string {
  const { source, destination } = carrier;
  return verdict(carrier, () => transportChecksum(segment, source, destination, protocol) === 0);
}

export function verdict({ whole }: Pick<Carrier, 'whole'>, isGood: () => boolean): string {
  if (!whole) return '';
  return isGood() ? ' good' : ' WRONG';
}
