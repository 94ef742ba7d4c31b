import { writeU16 } from '../../net/bytes.ts';
import { buildGue, GUE_HEADER_BYTES, GUE_REMOTE_CHECKSUM_BYTES } from '../../net/gue.ts';
import type { RemoteChecksum } from './remote-checksum.ts';

export function gueBytes(withRemoteChecksum: boolean): number {
  return GUE_HEADER_BYTES + (withRemoteChecksum ? GUE_REMOTE_CHECKSUM_BYTES : 0);
}

/**
 * The inner packet behind a GUE header; with a remote checksum, what is to stand in the inner one's place.
 * @param protocol of the inner packet: `PROTOCOL.ipip` or `PROTOCOL.ipv6`
 */
export function inGue(
  inner: Uint8Array,
  protocol: number,
  remoteChecksum: RemoteChecksum | undefined,
): Uint8Array {
  const bytes = buildGue({ protocol, remoteChecksum }, inner);
  if (remoteChecksum === undefined) return bytes;
  writeU16(bytes, gueBytes(true) + remoteChecksum.offsetBytes, remoteChecksum.pseudoHeader);
  return bytes;
}
