import { writeU16, writeU32 } from '../../net/bytes.ts';
import type { RemoteChecksum } from './remote-checksum.ts';

const BASE_BYTES = 4;
/** Private flags, and the field of the one that is used. */
const REMOTE_CHECKSUM_BYTES = 8;
const PRIVATE_FLAGS_PRESENT = 0x0001;
const REMOTE_CHECKSUM_PRESENT = 0x8000_0000;

export function gueBytes(withRemoteChecksum: boolean): number {
  return BASE_BYTES + (withRemoteChecksum ? REMOTE_CHECKSUM_BYTES : 0);
}

/**
 * The inner packet behind a GUE header (draft-ietf-intarea-gue, version 0; remote checksum offload as in Linux
 * net/ipv4/fou_core.c: private flag, then start and offset of the checksum, both counted from the inner packet).
 * @param protocol of the inner packet: `PROTOCOL.ipip` or `PROTOCOL.ipv6`
 */
export function inGue(
  inner: Uint8Array,
  protocol: number,
  remoteChecksum: RemoteChecksum | undefined,
): Uint8Array {
  const headerBytes = gueBytes(remoteChecksum !== undefined);
  const bytes = new Uint8Array(headerBytes + inner.length);
  // Version 0, data message; the low five bits count the words behind the first.
  bytes[0] = (headerBytes - BASE_BYTES) / 4;
  bytes[1] = protocol;
  bytes.set(inner, headerBytes);
  if (remoteChecksum === undefined) return bytes;
  const { startBytes, offsetBytes, pseudoHeader } = remoteChecksum;
  writeU16(bytes, 2, PRIVATE_FLAGS_PRESENT);
  writeU32(bytes, 4, REMOTE_CHECKSUM_PRESENT);
  writeU16(bytes, 8, startBytes);
  writeU16(bytes, 10, offsetBytes);
  writeU16(bytes, headerBytes + offsetBytes, pseudoHeader);
  return bytes;
}
