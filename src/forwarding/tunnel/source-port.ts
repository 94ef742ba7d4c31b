// The source port of GUE, by the flow.
import { readU16 } from '../../net/bytes.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import { clientWord } from '../hashing/client-word.ts';
import { flowHash } from '../hashing/flow-hash.ts';
import type { IpPacket } from '../packets/ip-header.ts';

/** RFC 6335, section 6: the dynamic ports, 49152 to 65535. */
const FIRST_DYNAMIC_PORT = 0xc000;
const DYNAMIC_PORT_MASK = 0x3fff;
const HAS_PORTS = new Set<number>([PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.sctp]);

/**
 * The UDP source port of a GUE packet, by which routers tell flows apart: 0xc000 | low 14 bits of
 * flow_hash(client word, client port). The port takes part whatever the service hashes; it is 0 of fragments, the first
 * included, so that those of a packet stay together, and of all that is not TCP, UDP or SCTP. The fast path does the same.
 */
export function gueSourcePort({ bytes, header }: IpPacket, hashKey: Uint32Array): number {
  const isFragment = header.moreFragments || header.fragmentOffsetBytes > 0;
  const hasPorts = HAS_PORTS.has(header.protocol) && !isFragment;
  const clientPort = hasPorts ? readU16(bytes, header.headerBytes) : 0;
  const hash = flowHash(clientWord(header.source, hashKey), clientPort, hashKey);
  return FIRST_DYNAMIC_PORT | (hash & DYNAMIC_PORT_MASK);
}
