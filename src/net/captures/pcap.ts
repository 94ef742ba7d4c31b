// Reads captures of either format.
import { CulvertError } from '../../errors.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE } from '../headers/ethernet.ts';
import type { CapturedPacket } from './captured-packet.ts';
import { PCAP_MAGIC, readClassicPcap } from './pcap-classic.ts';
import { PCAPNG_MAGIC, readPcapng } from './pcap-ng.ts';

export type { CapturedPacket } from './captured-packet.ts';
export { writePcap } from './pcap-classic.ts';

/** Link types that are understood (www.tcpdump.org/linktypes.html). */
export const LINK_TYPE = { ethernet: 1, raw: 101, linuxCooked: 113, ipv4: 228, ipv6: 229 } as const;

const LINUX_COOKED_HEADER_BYTES = 16;
const VLAN_TAG_BYTES = 4;

/**
 * The packets of a capture file, pcap or pcapng, of either byte order. `name` is for the error message.
 * A last packet that was cut off, as by a capture that was killed, is left out.
 * @throws CulvertError CAPTURE_INVALID
 */
export function readCapture(file: Uint8Array, name: string): CapturedPacket[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = file.length < 4 ? undefined : view.getUint32(0, true);
  if (magic === PCAPNG_MAGIC) return readPcapng(view, name);
  if (magic !== undefined && PCAP_MAGIC.has(magic)) return readClassicPcap(view, name);
  throw new CulvertError('CAPTURE_INVALID', 'neither a pcap nor a pcapng file', { where: name });
}

/** Returns the IPv4 packet; undefined for others, including IPv6. */
export function ipv4PacketOf(captured: CapturedPacket): Uint8Array | undefined {
  const packet = ipPacketOf(captured);
  return packet !== undefined && versionOf(packet) === 4 ? packet : undefined;
}

/** The IP packet inside, VLAN tags taken off; undefined when there is none or the link type is unknown. */
export function ipPacketOf(captured: CapturedPacket): Uint8Array | undefined {
  const { bytes, linkType } = captured;
  switch (linkType) {
    case LINK_TYPE.ethernet:
      return payloadOfType(bytes, ETHERNET_HEADER_BYTES - 2);
    case LINK_TYPE.linuxCooked:
      return payloadOfType(bytes, LINUX_COOKED_HEADER_BYTES - 2);
    case LINK_TYPE.raw:
    case LINK_TYPE.ipv4:
    case LINK_TYPE.ipv6:
      return [4, 6].includes(versionOf(bytes)) ? bytes : undefined;
    default:
      return undefined;
  }
}

function versionOf(packet: Uint8Array): number {
  return (packet[0] ?? 0) >> 4;
}

function payloadOfType(bytes: Uint8Array, typeAt: number): Uint8Array | undefined {
  for (let at = typeAt; at + 2 <= bytes.length; at += VLAN_TAG_BYTES) {
    const type = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6) return bytes.subarray(at + 2);
    if (type !== ETHERTYPE.vlan && type !== ETHERTYPE.qinq) return undefined;
  }
  return undefined;
}
