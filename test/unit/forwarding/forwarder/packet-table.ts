import type { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import type { ImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import { standardImage } from './fixture.ts';
import { ipv6Image } from './ipv6.ts';
import type { PacketRow } from './row.ts';
import { ANSWER_ROWS } from './rows/answers.ts';
import { FRAGMENT_ROWS } from './rows/fragments.ts';
import { IPV6_ROWS } from './rows/ipv6.ts';
import { MALFORMED_ROWS } from './rows/malformed.ts';
import { OUTER_HEADER_ROWS } from './rows/outer-header.ts';
import { OVERSIZE_ROWS } from './rows/oversize.ts';
import { SCTP_ROWS } from './rows/sctp.ts';
import { TUNNEL_ROWS } from './rows/tunnels.ts';
import { sctpImage } from './sctp.ts';
import { tunnelImage } from './tunnels.ts';

/** What IPVS does with each kind of packet, and where culvert does better: for every forwarder, over `fixture.ts`. */
export const PACKET_TABLE: readonly PacketRow[] = [
  ...OUTER_HEADER_ROWS,
  ...OVERSIZE_ROWS,
  ...FRAGMENT_ROWS,
  ...ANSWER_ROWS,
  ...MALFORMED_ROWS,
];

/** Rows, and the image that each of them begins with. */
export interface PacketSuite {
  readonly name: string;
  readonly image: (memory?: ImageMemory) => ForwardingImage;
  readonly rows: readonly PacketRow[];
}

export const PACKET_SUITES: readonly PacketSuite[] = [
  { name: 'IPv4 over IPIP', image: standardImage, rows: PACKET_TABLE },
  { name: 'IPv6 over IPv6', image: ipv6Image, rows: IPV6_ROWS },
  { name: 'SCTP', image: sctpImage, rows: SCTP_ROWS },
  { name: 'every tunnel', image: tunnelImage, rows: TUNNEL_ROWS },
];
