// Lowers the MSS that a simulated real server announces.
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { readU16, writeU16 } from '../../../net/bytes.ts';
import { updateChecksum } from '../../../net/checksum.ts';
import { PROTOCOL, parseIpv4Header } from '../../../net/headers/ipv4.ts';
import { parseTcp, TCP_FLAGS, TCP_OPTION, tcpOptions } from '../../../net/headers/tcp.ts';
import { ownBytes } from '../../../net/owned-bytes.ts';

const TCP_CHECKSUM = 16;

/**
 * The packet with an MSS of at most `mss` if it is a SYN-ACK from one of these addresses, as
 * `iptables -A OUTPUT -s VIP -p tcp --tcp-flags ALL SYN,ACK -j TCPMSS --set-mss` makes it.
 */
export function clampMss(packet: Uint8Array, sources: ReadonlySet<Ipv4Address>, mss: number): Uint8Array {
  const ip = parseIpv4Header(packet);
  if (typeof ip === 'string' || ip.protocol !== PROTOCOL.tcp || !sources.has(ip.source)) return packet;
  const tcp = parseTcp(packet, ip.headerBytes);
  if (typeof tcp === 'string' || tcp.flags !== (TCP_FLAGS.syn | TCP_FLAGS.ack)) return packet;
  const option = tcpOptions(packet, ip.headerBytes, tcp.headerBytes).find(
    ({ kind }) => kind === TCP_OPTION.mss,
  );
  if (option === undefined || readU16(option.data, 0) <= mss) return packet;
  const clamped = ownBytes(packet);
  const valueAt = option.data.byteOffset - packet.byteOffset;
  const checksumAt = ip.headerBytes + TCP_CHECKSUM;
  // The option stands at an even place in the header: TCP has it so where it is the first, as here.
  writeU16(clamped, checksumAt, updateChecksum(tcp.checksum, readU16(packet, valueAt), mss));
  writeU16(clamped, valueAt, mss);
  return clamped;
}
