// The UDP source port of GUE packets, by which routers distinguish flows.
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
 * Returns the UDP source port of a GUE packet, by which routers distinguish flows: 0xc000 | low 14 bits of flow_hash(client word,
 * client port). The port is included whatever the service hashes. It is 0 for fragments, the first included, so that those of a
 * packet stay together, and for everything other than TCP, UDP or SCTP. The fast path does the same.
 */
export function gueSourcePort({ bytes, header }: IpPacket, hashKey: Uint32Array): number {
  const isFragment = header.moreFragments || header.fragmentOffsetBytes > 0;
  const hasPorts = HAS_PORTS.has(header.protocol) && !isFragment;
  const clientPort = hasPorts ? readU16(bytes, header.headerBytes) : 0;
  const hash = flowHash(clientWord(header.source, hashKey), clientPort, hashKey);
  return FIRST_DYNAMIC_PORT | (hash & DYNAMIC_PORT_MASK);
}
