// Remote checksum offload of GUE: leaves the inner transport checksum to the receiver.
import { readU16, writeU16 } from '../../net/bytes.ts';
import { foldChecksum, internetChecksum, pseudoHeaderSum } from '../../net/checksum.ts';
import type { GueRemoteChecksum } from '../../net/headers/gue.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import { type IpPacket, isFragment } from '../packets/ip-header.ts';

const CHECKSUM_AT: Readonly<Record<number, number>> = { [PROTOCOL.tcp]: 16, [PROTOCOL.udp]: 6 };

/**
 * Leaves the transport checksum of `inner`, a copy of the packet, to the receiver: the sum of the pseudo header takes its place.
 * Not done where the receiver could make a broken packet look whole: the checksum must be right now. Not done either for
 * fragments, and for UDP that has no checksum or one that the receiver would write as none.
 */
export function leaveChecksum({ bytes, header }: IpPacket, inner: Uint8Array): GueRemoteChecksum | undefined {
  const within = CHECKSUM_AT[header.protocol];
  if (within === undefined || isFragment(header)) return undefined;
  const offsetBytes = header.headerBytes + within;
  if (bytes.length < offsetBytes + 2) return undefined;
  const checksum = readU16(bytes, offsetBytes);
  if (header.protocol === PROTOCOL.udp && (checksum === 0 || checksum === 0xffff)) return undefined;
  const length = bytes.length - header.headerBytes;
  const pseudo = pseudoHeaderSum(header.source, header.destination, header.protocol, length);
  if (internetChecksum(bytes, header.headerBytes, bytes.length, pseudo) !== 0) return undefined;
  writeU16(inner, offsetBytes, ~foldChecksum(pseudo) & 0xffff);
  return { startBytes: header.headerBytes, offsetBytes };
}
