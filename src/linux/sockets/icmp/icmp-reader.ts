// Readers of ICMP messages, for either family.
import type { IpFamily } from '../../../net/address/ip-address.ts';
import { type Descriptor, int32, SOL } from '../../process/descriptor.ts';
import { icmpv6Reader } from './icmpv6-reader.ts';

/** The next packet, valid until the next call; undefined when there is none now. */
export type IcmpReader = () => Uint8Array | undefined;

/** The protocol number of ICMP, by the family of the packets. */
export const ICMP_PROTOCOL: Readonly<Record<IpFamily, number>> = { 4: 1, 6: 58 };

const ICMP_FILTER = 1;
const PACKET_BYTES = 65_536;

/** Reads the ICMP messages of some types from a raw socket, as whole IP packets; of IPv6 ones the header is rebuilt. */
export function icmpReader(
  descriptor: Descriptor,
  family: IpFamily,
  icmpTypes: readonly number[],
): IcmpReader {
  if (family === 6) return icmpv6Reader(descriptor, icmpTypes);
  const unheard = ~icmpTypes.reduce((mask, type) => mask | (1 << type), 0);
  descriptor.setOption(SOL.raw, ICMP_FILTER, int32(unheard));
  const buffer = new Uint8Array(PACKET_BYTES);
  return () => {
    const length = descriptor.receive(buffer);
    return length === undefined ? undefined : buffer.subarray(0, length);
  };
}
