import type { ForwardingTable } from '../../../../src/forwarding/forwarding-table.ts';
import type { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import type { ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { concatBytes } from '../../../../src/net/bytes.ts';
import { PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildSctp, SCTP_CHUNK, type SctpChunk } from '../../../../src/net/headers/sctp.ts';
import { imageOf, STANDARD_TABLE } from './fixture.ts';
import { IPV6_TABLE } from './ipv6.ts';
import { CLIENT_PORT, data, ipPacket } from './packets.ts';
import { ip6Packet } from './packets6.ts';

export const SCTP_PORT = 3868;
/** The tag that the client asks to be answered with, and the one that it was given. */
export const CLIENT_TAG = 0x01020304;
export const GIVEN_TAG = 0x0a0b0c0d;

/** SCTP for both families' VIPs on the standard reals: 3868 rr, 80 mh. */
export const SCTP_TABLE: ForwardingTable = {
  ...STANDARD_TABLE,
  services: [STANDARD_TABLE, IPV6_TABLE].flatMap(({ services }) =>
    services
      .filter(({ port }) => port === 80 || port === 81)
      .map((service) => ({
        ...service,
        protocol: 'sctp' as const,
        port: service.port === 81 ? SCTP_PORT : 80,
      })),
  ),
};

export function sctpImage(memory?: ImageMemory): ForwardingImage {
  return imageOf(SCTP_TABLE, memory);
}

export function chunk(type: number, value: Uint8Array = new Uint8Array(0), flags = 0): SctpChunk {
  return { type, flags, value };
}

/** An INIT: initiate tag, window, streams, first TSN. */
export function init(tag: number = CLIENT_TAG): SctpChunk {
  const tagBytes = Uint8Array.of(tag >>> 24, tag >>> 16, tag >>> 8, tag);
  return chunk(SCTP_CHUNK.init, concatBytes(tagBytes, Uint8Array.of(0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1)));
}

export function dataChunk(bytes = 20): SctpChunk {
  return chunk(SCTP_CHUNK.data, data(12 + bytes), 3);
}

interface Segment {
  readonly port?: number;
  readonly sourcePort?: number;
  readonly tag?: number;
  readonly chunks: readonly SctpChunk[];
}

function segment({
  port = SCTP_PORT,
  sourcePort = CLIENT_PORT,
  tag = GIVEN_TAG,
  chunks,
}: Segment): Uint8Array {
  return buildSctp({ sourcePort, destinationPort: port, verificationTag: tag }, chunks);
}

export function sctp(fields: Segment, ip: Parameters<typeof ipPacket>[2] = {}): Uint8Array {
  return ipPacket(PROTOCOL.sctp, segment(fields), ip);
}

export function sctp6(fields: Segment): Uint8Array {
  return ip6Packet(PROTOCOL.sctp, segment(fields));
}
