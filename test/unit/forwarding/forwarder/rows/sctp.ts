import { buildIpv4, PROTOCOL } from '../../../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../../../src/net/headers/ipv6.ts';
import { buildSctp, SCTP_CHUNK, type SctpChunk } from '../../../../../src/net/headers/sctp.ts';
import { CLIENT, REALS, VIP } from '../fixture.ts';
import { outer6, REALS_6 } from '../ipv6.ts';
import { CLIENT_PORT, data, fragmentationNeeded, fragmentsOf, icmp, mangled, outer } from '../packets.ts';
import { CLIENT_6, fragmentsOf6, packetTooBig, VIP_6 } from '../packets6.ts';
import { answer, drop, forward, type PacketRow, row, type Step } from '../row.ts';
import { CLIENT_TAG, chunk, dataChunk, GIVEN_TAG, init, SCTP_PORT, sctp, sctp6 } from '../sctp.ts';

const [A, B] = REALS;
const [A6] = REALS_6;
const CLOSED = 99;
const REFLECTED = 1;
const INIT = { chunks: [init()], tag: 0 } as const;
const DATA = { chunks: [dataChunk()] } as const;
const ROUTER = CLIENT;

function plain(packet: Uint8Array, real = A): Step {
  return forward(packet, real, outer(packet, real), 'delegated');
}

function plain6(packet: Uint8Array): Step {
  return forward(packet, A6, outer6(packet, A6), 'delegated');
}

function segment(verificationTag: number, said: SctpChunk, port: number): Uint8Array {
  return buildSctp({ sourcePort: port, destinationPort: CLIENT_PORT, verificationTag }, [said]);
}

function back(verificationTag: number, chunks: SctpChunk, port = SCTP_PORT): Uint8Array {
  const addresses = { source: VIP, destination: CLIENT };
  const payload = segment(verificationTag, chunks, port);
  return buildIpv4({ ...addresses, protocol: PROTOCOL.sctp, dontFragment: true }, payload);
}

function back6(verificationTag: number, chunks: SctpChunk, port = SCTP_PORT): Uint8Array {
  const addresses = { source: VIP_6, destination: CLIENT_6 };
  return buildIpv6({ ...addresses, nextHeader: PROTOCOL.sctp }, segment(verificationTag, chunks, port));
}

const ABORT = chunk(SCTP_CHUNK.abort);
const ABORT_REFLECTED = chunk(SCTP_CHUNK.abort, undefined, REFLECTED);
const COOKIE_ECHO = chunk(SCTP_CHUNK.cookieEcho, data(6));
const STALE_COOKIE = chunk(SCTP_CHUNK.error, Uint8Array.of(0, 3, 0, 8, 0, 0, 0, 0));

function sized(bytes: number, dontFragment = true): Uint8Array {
  return sctp({ chunks: [dataChunk(bytes - 20 - 12 - 16)] }, { dontFragment });
}

const DATAGRAM = sctp({ chunks: [init(), chunk(13, data(1000))], tag: 0 });
const DATAGRAM_6 = sctp6({ chunks: [init(), chunk(13, data(1000))], tag: 0 });

/** A real's answer, as a router on the client's side saw it. */
const REALS_ANSWER = buildIpv4(
  { source: VIP, destination: CLIENT, protocol: PROTOCOL.sctp },
  buildSctp({ sourcePort: SCTP_PORT, destinationPort: CLIENT_PORT, verificationTag: CLIENT_TAG }, [
    dataChunk(),
  ]),
);
const ERROR = icmp({ type: 3, code: 1, payload: REALS_ANSWER.subarray(0, 28) }, { source: ROUTER });

export const SCTP_ROWS: readonly PacketRow[] = [
  row(
    'SCTP: INIT opens a flow, which all that follows belongs to',
    plain(sctp(INIT)),
    plain(sctp({ chunks: [COOKIE_ECHO] })),
    plain(sctp(DATA)),
    plain(sctp({ ...INIT, sourcePort: 2 }), B),
    plain(sctp({ chunks: [COOKIE_ECHO, ABORT] })),
  ),
  row('SCTP over IPv6', plain6(sctp6(INIT)), plain6(sctp6(DATA))),
  row(
    'SCTP to a hash service: the client gets the real of its TCP, and the flow is remembered',
    plain(sctp({ ...INIT, port: 80 }), B),
    plain(sctp({ ...DATA, port: 80 }), B),
  ),
  row(
    'SCTP: what fits, what does not, and no fragments of what must not be',
    plain(sctp(INIT)),
    plain(sized(1480)),
    answer(sized(1484), fragmentationNeeded(sized(1484), 1480), 'too-big'),
    answer(sized(1484), fragmentationNeeded(sized(1484), 1480, 2), 'too-big'),
  ),
  row(
    'SCTP over IPv6: too big',
    plain6(sctp6(INIT)),
    ((packet) => answer(packet, packetTooBig(packet, 1460), 'too-big'))(sctp6({ chunks: [dataChunk(1400)] })),
  ),
  row(
    'SCTP: fragments follow their first one',
    ...fragmentsOf(DATAGRAM, [512]).map((packet, i) =>
      forward(packet, A, outer(packet, A, { id: i + 1, dontFragment: false }), 'fragment-forwarded'),
    ),
  ),
  row(
    'SCTP over IPv6: fragments follow their first one',
    ...fragmentsOf6(DATAGRAM_6, [512]).map((packet) =>
      forward(packet, A6, outer6(packet, A6), 'fragment-forwarded'),
    ),
  ),
  row(
    'SCTP: an error about an answer goes to its real',
    plain(sctp(INIT)),
    forward(ERROR, A, outer(ERROR, A), 'icmp-relayed'),
  ),
  row(
    'SCTP: an INIT to no service is aborted with its own tag',
    answer(sctp({ ...INIT, port: CLOSED }), back(CLIENT_TAG, ABORT, CLOSED), 'no-service'),
    answer(sctp6({ ...INIT, port: CLOSED }), back6(CLIENT_TAG, ABORT, CLOSED), 'no-service'),
  ),
  row(
    'SCTP: what belongs to no flow is aborted with the tag that it has',
    answer(sctp(DATA), back(GIVEN_TAG, ABORT_REFLECTED), 'no-flow'),
    answer(sctp({ chunks: [COOKIE_ECHO] }), back(GIVEN_TAG, ABORT_REFLECTED), 'no-flow'),
    answer(sctp6(DATA), back6(GIVEN_TAG, ABORT_REFLECTED), 'no-flow'),
  ),
  row(
    'SCTP: a shutdown that nobody knows of any more is complete',
    answer(
      sctp({ chunks: [chunk(SCTP_CHUNK.shutdownAck)] }),
      back(GIVEN_TAG, chunk(SCTP_CHUNK.shutdownComplete, undefined, REFLECTED)),
      'no-flow',
    ),
  ),
  row(
    'SCTP: what is not answered out of the blue',
    drop(sctp({ chunks: [ABORT] }), 'no-flow'),
    drop(sctp({ chunks: [COOKIE_ECHO, ABORT] }), 'no-flow'),
    drop(sctp({ chunks: [chunk(SCTP_CHUNK.shutdownComplete)] }), 'no-flow'),
    drop(sctp({ chunks: [chunk(SCTP_CHUNK.cookieAck)] }), 'no-flow'),
    drop(sctp({ chunks: [STALE_COOKIE] }), 'no-flow'),
    drop(mangled(sctp(DATA), 28, 0x1234), 'bad-transport-checksum'),
  ),
];
