import { ipPacket, tcpPacket, udpPacket } from '../../vm/guest/ipvs/raw-packet.ts';
import { SCTP_CHUNKS, sctpPacket, tcpFlags } from '../ipvs/packets.ts';

const SCTP = 132;

/** The packet of a step's `send`. */
export function packetOf(text: string): Uint8Array {
  const [, protocol = '', from = '', to = '', what = ''] = /^(\S+) (\S+) (\S+) ?(.*)$/.exec(text) ?? [];
  const [source, sourcePort] = endpoint(from);
  const [destination, destinationPort] = endpoint(to);
  const options = { source, sourcePort, destination, destinationPort };
  if (protocol === 'udp') return udpPacket(options);
  if (protocol === 'tcp') return tcpPacket({ ...options, flags: tcpFlags(what) });
  return ipPacket(options, SCTP, sctpPacket(sourcePort, destinationPort, SCTP_CHUNKS[what] ?? 0));
}

/** IPv6 addresses have no brackets here: the last colon is the port's. */
function endpoint(text: string): [string, number] {
  const at = text.lastIndexOf(':');
  return [text.slice(0, at), Number(text.slice(at + 1))];
}
