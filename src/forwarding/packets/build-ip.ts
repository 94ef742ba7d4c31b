// Builds IP packets of either family from one set of fields.
import { type IpAddress, isIpv6, onlyIpv4 } from '../../net/address/ip-address.ts';
import { buildIpv4, type Ipv4Fields } from '../../net/headers/ipv4.ts';
import { buildIpv6 } from '../../net/headers/ipv6.ts';

/**
 * The fields of a packet. Defaults are 0 and false, and 64 for the TTL. IPv6 has no ID, DF or fragmentation here, and its flow
 * label is 0.
 */
export interface IpFields extends Omit<Ipv4Fields, 'source' | 'destination'> {
  readonly source: IpAddress;
  /** Must be of the source's family. */
  readonly destination: IpAddress;
}

/** Builds a packet of the family that its addresses have. */
export function buildIp(fields: IpFields, payload: Uint8Array): Uint8Array {
  const { source, destination, protocol, tos = 0, ttl = 64 } = fields;
  if (isIpv6(source) && isIpv6(destination)) {
    return buildIpv6(
      { source, destination, nextHeader: protocol, trafficClass: tos, hopLimit: ttl },
      payload,
    );
  }
  return buildIpv4({ ...fields, source: onlyIpv4(source), destination: onlyIpv4(destination) }, payload);
}
