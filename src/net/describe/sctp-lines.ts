// Describes SCTP.
import { parseSctp, SCTP_CHUNK, type SctpChunk, sctpChecksumIsGood, sctpChunks } from '../headers/sctp.ts';
import { type Carrier, verdict } from './carrier.ts';
import { faultLines, hex, nameOf } from './text.ts';

export function sctpLines(bytes: Uint8Array, carrier: Carrier): string[] {
  const header = parseSctp(bytes, 0);
  if (typeof header === 'string') return faultLines('SCTP', header, bytes);
  return [
    `SCTP ${header.sourcePort} > ${header.destinationPort}, tag ${hex(header.verificationTag, 8)}, ` +
      `checksum ${hex(header.checksum, 8)}${verdict(carrier, () => sctpChecksumIsGood(bytes, 0))}`,
    `  chunks [${[...sctpChunks(bytes, 0)].map(chunkText).join(', ')}]`,
  ];
}

function chunkText({ type, flags, value }: SctpChunk): string {
  const name = nameOf(SCTP_CHUNK, type) ?? `type ${type}`;
  return `${name}${flags === 0 ? '' : ` flags ${hex(flags, 2)}`} ${value.length} bytes`;
}
