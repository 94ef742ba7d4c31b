// Describes what an IP packet carries.
import { PROTOCOL } from '../headers/ipv4.ts';
import type { Carrier } from './carrier.ts';
import { greLines } from './gre-lines.ts';
import { icmpLines } from './icmp-lines.ts';
import { icmpv6Lines } from './icmpv6-lines.ts';
import { sctpLines } from './sctp-lines.ts';
import { tcpLines } from './tcp-lines.ts';
import { dataLines } from './text.ts';
import { udpLines } from './udp-lines.ts';

/** Describes what an IP packet of either family carries, except later fragments. */
export function ipPayloadLines(protocol: number, payload: Uint8Array, carrier: Carrier): string[] {
  switch (protocol) {
    case PROTOCOL.tcp:
      return tcpLines(payload, carrier);
    case PROTOCOL.udp:
      return udpLines(payload, carrier);
    case PROTOCOL.sctp:
      return sctpLines(payload, carrier);
    case PROTOCOL.icmp:
      return icmpLines(payload, carrier);
    case PROTOCOL.icmpv6:
      return icmpv6Lines(payload, carrier);
    case PROTOCOL.gre:
      return greLines(payload, carrier);
    case PROTOCOL.ipip:
    case PROTOCOL.ipv6:
      return carrier.describeIp(payload, !carrier.whole);
    default:
      return dataLines(payload);
  }
}
