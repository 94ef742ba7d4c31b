import { readU16 } from '../../net/bytes.ts';
import { foldChecksum, internetChecksum, pseudoHeaderSum } from '../../net/checksum.ts';
import { PROTOCOL } from '../../net/ipv4.ts';
import type { IpPacket } from '../ip-header.ts';

/** How the receiver of a tunnel packet is to compute the inner transport checksum; places counted from the inner packet. */
export interface RemoteChecksum {
  readonly startBytes: number;
  readonly offsetBytes: number;
  /** What stands in the checksum's place meanwhile: the folded sum of the pseudo header. */
  readonly pseudoHeader: number;
}

const CHECKSUM_AT: Readonly<Record<number, number>> = { [PROTOCOL.tcp]: 16, [PROTOCOL.udp]: 6 };

/**
 * Undefined where the receiver could make a packet whole that is not: its checksum has to be right here and now. Nor of
 * fragments, and of UDP that has none or one that the receiver would write as none.
 */
export function remoteChecksumOf({ bytes, header }: IpPacket): RemoteChecksum | undefined {
  const within = CHECKSUM_AT[header.protocol];
  if (within === undefined || header.moreFragments || header.fragmentOffsetBytes > 0) return undefined;
  const offsetBytes = header.headerBytes + within;
  if (bytes.length < offsetBytes + 2) return undefined;
  const checksum = readU16(bytes, offsetBytes);
  if (header.protocol === PROTOCOL.udp && (checksum === 0 || checksum === 0xffff)) return undefined;
  const length = bytes.length - header.headerBytes;
  const pseudo = pseudoHeaderSum(header.source, header.destination, header.protocol, length);
  if (internetChecksum(bytes, header.headerBytes, bytes.length, pseudo) !== 0) return undefined;
  return { startBytes: header.headerBytes, offsetBytes, pseudoHeader: ~foldChecksum(pseudo) & 0xffff };
}
