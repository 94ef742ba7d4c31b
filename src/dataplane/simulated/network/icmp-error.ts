// ICMP errors that simulated hosts and routers send.
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { buildIcmp, ICMP_CODE, ICMP_TYPE, isIcmpError } from '../../../net/headers/icmp.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL } from '../../../net/headers/ipv4.ts';

/** The content of an ICMP error (RFC 792), with the MTU for fragmentation needed (RFC 1191). */
export interface IcmpComplaint {
  readonly kind: 'fragmentation-needed' | 'ttl-exceeded' | 'net-unreachable' | 'port-unreachable';
  readonly mtuBytes?: number;
}

const COMPLAINTS: Readonly<Record<IcmpComplaint['kind'], { type: number; code: number }>> = {
  'fragmentation-needed': { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.fragmentationNeeded },
  'ttl-exceeded': { type: ICMP_TYPE.timeExceeded, code: ICMP_CODE.ttlExceeded },
  'net-unreachable': { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.netUnreachable },
  'port-unreachable': { type: ICMP_TYPE.destinationUnreachable, code: ICMP_CODE.portUnreachable },
};

/** The bytes quoted of the packet, which make an error of 576 bytes (RFC 1812, 4.3.2.3). */
const QUOTED_BYTES = 576 - 20 - 8;

/** Builds the error about this packet; undefined where RFC 1122, 3.2.2, forbids one. */
export function icmpError(
  about: Uint8Array,
  header: Ipv4Header,
  complaint: IcmpComplaint,
  source: Ipv4Address,
): Uint8Array | undefined {
  const isError =
    header.protocol === PROTOCOL.icmp && isIcmpError(about[header.headerBytes] ?? ICMP_TYPE.echoReply);
  if (isError || header.fragmentOffsetBytes > 0) return undefined;
  const payload = about.subarray(0, Math.min(QUOTED_BYTES, header.totalLength));
  return buildIpv4(
    { source, destination: header.source, protocol: PROTOCOL.icmp, tos: 0xc0 },
    buildIcmp({ ...COMPLAINTS[complaint.kind], rest: complaint.mtuBytes ?? 0, payload }),
  );
}
