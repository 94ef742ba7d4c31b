import { REALS } from '../fixture.ts';
import { ACK, fragmentationNeeded, outer, outerFragments, SYN, tcp, udp } from '../packets.ts';
import { answer, drop, forward, type PacketRow, row, type Step } from '../row.ts';

const [A] = REALS;
const RR = 81;
const REFUSES = 83;
const WRR = 53;
/** A full packet of 1500 bytes leaves as outer fragments of 1500 and 40. */
const FULL = { ends: [1480, 1500] } as const;

function opens(port: number): Step {
  return forward(tcp(port), A, outer(tcp(port), A));
}

function full(port: number, sequence: number): Uint8Array {
  return tcp(port, { flags: ACK, sequence, dataBytes: 1460 });
}

function told(packet: Uint8Array, id: number): Step {
  return answer(packet, fragmentationNeeded(packet, 1480, id), 'too-big');
}

function cured(packet: Uint8Array, id: number): Step {
  return forward(packet, A, outerFragments(packet, A, { id, ...FULL }), 'blackhole-cured');
}

const UNFRAGMENTED = { ip: { dontFragment: false } } as const;
const DATAGRAM = udp(WRR, { dataBytes: 1472 });
const LARGE_SYN = tcp(RR, { flags: SYN, dataBytes: 1460 });
const RULES_OF_SIZE = [1440, 1441, 1460] as const;

export const OVERSIZE_ROWS: readonly PacketRow[] = [
  row('1460 bytes of data: 1480 is told, quoting 548 bytes one hop on', opens(RR), told(full(RR, 1000), 1)),
  row(
    '1440 bytes fit: the outer packet has 1500',
    opens(RR),
    ((packet) => forward(packet, A, outer(packet, A)))(tcp(RR, { flags: ACK, dataBytes: 1440 })),
  ),
  row('one byte more does not', opens(RR), told(tcp(RR, { flags: ACK, dataBytes: 1441 }), 1)),
  row('UDP with DF is told the same', told(DATAGRAM, 1)),
  row(
    'a refused SYN still begins its flow',
    told(LARGE_SYN, 1),
    ((packet) => forward(packet, A, outer(packet, A)))(tcp(RR, { flags: ACK })),
  ),
  row(
    'without DF the outer packet is fragmented: 1500 and 40, one ID, a multiple of 8',
    opens(RR),
    ...[1, 2].map((id) => {
      const packet = tcp(RR, { flags: ACK, dataBytes: 1460, ...UNFRAGMENTED });
      return forward(packet, A, outerFragments(packet, A, { id, ...FULL }), 'outer-fragments');
    }),
  ),
  row(
    'UDP without DF',
    ...RULES_OF_SIZE.slice(1).map((dataBytes, i) => {
      const packet = udp(WRR, { dataBytes: dataBytes + 12, ...UNFRAGMENTED });
      return forward(
        packet,
        A,
        outerFragments(packet, A, { id: i + 1, ends: [1480, packet.length] }),
        'outer-fragments',
      );
    }),
  ),
  row(
    'a client that was told twice and sends the same again is cured',
    opens(RR),
    told(full(RR, 1000), 1),
    told(full(RR, 1000), 2),
    cured(full(RR, 1000), 3),
    cured(full(RR, 1000), 4),
    cured(full(RR, 2460), 5),
  ),
  row(
    'a cured flow keeps its DF where its packets fit',
    opens(RR),
    told(full(RR, 1), 1),
    told(full(RR, 1), 2),
    cured(full(RR, 1), 3),
    ((packet) => forward(packet, A, outer(packet, A)))(tcp(RR, { flags: ACK, dataBytes: 100 })),
  ),
  row(
    'other packets of the same flow are not the same packet',
    opens(RR),
    ...[1, 1461, 2921, 4381].map((sequence, i) => told(full(RR, sequence), i + 1)),
  ),
  row(
    'the window between does not hide the packet that is sent again',
    opens(RR),
    ...[1, 1461, 2921, 1, 1461].map((sequence, i) => told(full(RR, sequence), i + 1)),
    cured(full(RR, 1), 6),
  ),
  row('UDP is cured by length and checksum', told(DATAGRAM, 1), told(DATAGRAM, 2), cured(DATAGRAM, 3)),
  row(
    'policy refuse never cures',
    opens(REFUSES),
    ...[1, 2, 3, 4].map((id) => told(full(REFUSES, 1000), id)),
  ),
  row(
    'a source that no client can have is told nothing',
    ...['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '192.0.2.10'].map((text) => {
      const source = text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0) as typeof A;
      return drop(tcp(RR, { dataBytes: 1460, ip: { source } }), 'martian-source');
    }),
  ),
];
