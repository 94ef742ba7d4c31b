import type { PacketRow } from './row.ts';
import { ANSWER_ROWS } from './rows/answers.ts';
import { FRAGMENT_ROWS } from './rows/fragments.ts';
import { MALFORMED_ROWS } from './rows/malformed.ts';
import { OUTER_HEADER_ROWS } from './rows/outer-header.ts';
import { OVERSIZE_ROWS } from './rows/oversize.ts';

/** What IPVS does with each kind of packet, and where culvert does better: for every forwarder, over `fixture.ts`. */
export const PACKET_TABLE: readonly PacketRow[] = [
  ...OUTER_HEADER_ROWS,
  ...OVERSIZE_ROWS,
  ...FRAGMENT_ROWS,
  ...ANSWER_ROWS,
  ...MALFORMED_ROWS,
];
