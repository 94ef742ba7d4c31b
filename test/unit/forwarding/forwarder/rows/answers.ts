import { type Ipv4Address, ipv4 } from '../../../../../src/net/address/ipv4-address.ts';
import { buildIcmp } from '../../../../../src/net/headers/icmp.ts';
import { buildIpv4 } from '../../../../../src/net/headers/ipv4.ts';
import { buildTcp } from '../../../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../../../src/net/headers/udp.ts';
import { CLIENT, REALS, VIP } from '../fixture.ts';
import {
  ACK,
  CLIENT_PORT,
  data,
  FIN,
  icmp,
  icmpError,
  ipPacket,
  mangled,
  outer,
  outerFragments,
  RST,
  SYN,
  tcp,
  udp,
} from '../packets.ts';
import { answer, drop, forward, type PacketRow, row, type Step } from '../row.ts';

const [A, B, C] = REALS;
const RR = 81;
const MH = 80;
const WRR = 53;
const NO_REAL = 82;
const CLOSED = 99;

function reset(
  port: number,
  fields: { flags: number; sequence?: number; acknowledgment?: number },
): Uint8Array {
  const ports = { sourcePort: port, destinationPort: CLIENT_PORT };
  const segment = buildTcp({ source: VIP, destination: CLIENT, ...ports, window: 0, ...fields });
  return buildIpv4({ source: VIP, destination: CLIENT, protocol: 6, dontFragment: true }, segment);
}

function unreachable(packet: Uint8Array, reason: 'no-service' | 'no-real', id = 1): Step {
  return answer(packet, icmpError({ type: 3, code: 3 }, packet, id), reason);
}

function expired(packet: Uint8Array): Step {
  return answer(packet, icmpError({ type: 11, code: 0 }, packet), 'ttl-expired');
}

/** What a real sent to the client, as a router on the client's side saw it. */
function realsAnswer(port: number, protocol: 'tcp' | 'udp' = 'tcp'): Uint8Array {
  const fields = { source: VIP, destination: CLIENT, sourcePort: port, destinationPort: CLIENT_PORT };
  const payload = data(100);
  return protocol === 'tcp'
    ? buildIpv4({ ...fields, protocol: 6 }, buildTcp({ ...fields, flags: ACK, payload }))
    : buildIpv4({ ...fields, protocol: 17 }, buildUdp({ ...fields, payload }));
}

/** An ICMP error from a router on the way to the client. */
function clientError(type: number, quoted: Uint8Array, code = 0): Uint8Array {
  return icmp({ type, code, rest: 1400, payload: quoted }, { source: ROUTER, dontFragment: false });
}

function relayed(packet: Uint8Array, real: Ipv4Address): Step {
  return forward(packet, real, outer(packet, real, { id: 1, dontFragment: false }), 'icmp-relayed');
}

const ROUTER = (CLIENT + 1) as Ipv4Address;
const OPEN_RR = forward(tcp(RR), A, outer(tcp(RR), A));
const QUOTE_28 = realsAnswer(MH).subarray(0, 28);

function echo(dataBytes: number, source = CLIENT): Uint8Array {
  return icmp({ type: 8, code: 0, rest: 0x00070001, payload: data(dataBytes) }, { source, tos: 0x20 });
}

function echoReply(dataBytes: number): Uint8Array {
  const message = buildIcmp({ type: 0, code: 0, rest: 0x00070001, payload: data(dataBytes) });
  return buildIpv4({ source: VIP, destination: CLIENT, protocol: 1, tos: 0x20, id: 1 }, message);
}

const LARGE_ERROR = ((quoted) => icmp({ type: 3, code: 1, payload: quoted }, { source: ROUTER }))(
  Uint8Array.of(...realsAnswer(MH), ...data(1400)).subarray(0, 1472),
);

export const ANSWER_ROWS: readonly PacketRow[] = [
  row(
    'TTL 1: time exceeded from the VIP, quoting the packet as it came',
    expired(tcp(MH, { ip: { ttl: 1 } })),
  ),
  row('TTL 0 likewise', expired(udp(WRR, { ip: { ttl: 0 } }))),
  row(
    'the SYN of such a packet makes a connection',
    expired(tcp(RR, { ip: { ttl: 1 } })),
    forward(tcp(RR, { flags: ACK }), A, outer(tcp(RR, { flags: ACK }), A)),
  ),
  row('TTL is looked at before the size', expired(tcp(RR, { dataBytes: 1460, ip: { ttl: 1 } }))),
  row(
    'a rotation knows the flow no more: reset with the number that was acknowledged',
    answer(tcp(RR, { flags: ACK }), reset(RR, { flags: RST, sequence: 5000 }), 'no-flow'),
  ),
  row(
    'no acknowledgment: reset that acknowledges data and FIN',
    answer(
      tcp(RR, { flags: FIN, dataBytes: 10 }),
      reset(RR, { flags: RST | ACK, acknowledgment: 1011 }),
      'no-flow',
    ),
  ),
  row(
    'a reset is not answered',
    drop(tcp(RR, { flags: RST }), 'no-flow'),
    drop(tcp(RR, { flags: SYN | RST }), 'no-flow'),
  ),
  row(
    'a port that nothing is served on: reset to TCP',
    answer(tcp(CLOSED), reset(CLOSED, { flags: RST | ACK, acknowledgment: 1001 }), 'no-service'),
  ),
  row('and port unreachable to UDP', unreachable(udp(CLOSED), 'no-service')),
  row('a service is one protocol only', unreachable(udp(MH), 'no-service')),
  row(
    'nothing to a reset or a broken checksum there',
    drop(tcp(CLOSED, { flags: RST }), 'no-service'),
    drop(mangled(tcp(CLOSED), 36, 0x1234), 'bad-transport-checksum'),
    drop(mangled(udp(CLOSED), 26, 0x1234), 'bad-transport-checksum'),
    unreachable(mangled(udp(CLOSED), 26, 0), 'no-service'),
    drop(mangled(tcp(CLOSED), 32, 0x1002), 'truncated-transport'),
    drop(mangled(udp(CLOSED), 24, 7), 'truncated-transport'),
  ),
  row(
    'no real: port unreachable to TCP too, six at once',
    ...[1, 2, 3, 4, 5, 6].map((id) => unreachable(tcp(NO_REAL), 'no-real', id)),
    drop(tcp(NO_REAL), 'answer-quiet'),
    drop(udp(CLOSED), 'answer-quiet'),
  ),
  row(
    'fewer than 20 bytes of TCP or 8 of UDP',
    drop(ipPacket(6, data(19)), 'truncated-transport'),
    drop(ipPacket(17, data(7)), 'truncated-transport'),
    drop(ipPacket(6, data(0)), 'truncated-transport'),
  ),
  row('echo to the VIP', answer(echo(56), echoReply(56), 'echo-answered')),
  row(
    'echo without data, and with an odd length',
    answer(echo(0), echoReply(0), 'echo-answered'),
    ((packet) => {
      const reply = echoReply(33);
      return answer(packet, mangled(reply, 4, 2), 'echo-answered');
    })(echo(33)),
  ),
  row('echo with a broken checksum', drop(mangled(echo(56), 22, 0x1234), 'bad-transport-checksum')),
  row('a truncated ICMP message', drop(ipPacket(1, data(7)), 'icmp-unknown')),
  row(
    'a source that no client can have: nothing is remembered, and no turn taken',
    ...[
      '0.0.0.0',
      '0.255.255.255',
      '127.0.0.1',
      '127.255.255.255',
      '224.0.0.1',
      '239.255.255.255',
      '255.255.255.255',
      '192.0.2.10',
      // An address of the director.
      '10.0.0.2',
    ].flatMap((text) => {
      const source = ipv4(text);
      return [tcp(RR, { ip: { source } }), tcp(MH, { ip: { source } }), udp(WRR, { ip: { source } })].map(
        (packet) => drop(packet, 'martian-source'),
      );
    }),
    forward(tcp(RR), A, outer(tcp(RR), A)),
  ),
  row(
    'sources beside those are clients',
    ...[
      '1.0.0.0',
      '126.255.255.255',
      '128.0.0.0',
      '223.255.255.255',
      '240.0.0.0',
      '255.255.255.254',
      '10.0.0.3',
      '192.0.2.9',
      '10.16.0.2',
    ].map((text, i) => {
      const packet = tcp(RR, { ip: { source: ipv4(text) } });
      const real = [A, B, C][i % 3] as typeof A;
      return forward(packet, real, outer(packet, real));
    }),
  ),
  row(
    'echo from where no client can be',
    drop(echo(56, VIP), 'martian-source'),
    drop(echo(56, 0x7f000001 as Ipv4Address), 'martian-source'),
  ),
  row(
    'an error about an answer goes to its real: the ring tells which',
    relayed(clientError(3, QUOTE_28, 4), B),
  ),
  row('types 4 and 11 as well', relayed(clientError(11, QUOTE_28), B)),
  row('source quench', relayed(clientError(4, QUOTE_28), B)),
  row('an error about a remembered flow', OPEN_RR, relayed(clientError(3, realsAnswer(RR)), A)),
  row(
    'about UDP',
    forward(udp(WRR), A, outer(udp(WRR), A)),
    relayed(clientError(3, realsAnswer(WRR, 'udp')), A),
  ),
  row(
    '24 quoted bytes suffice, and neither checksum is looked at',
    relayed(mangled(clientError(3, realsAnswer(MH).subarray(0, 24)), 22, 0x1234), B),
  ),
  row(
    'an error with DF keeps it',
    ((packet) => forward(packet, B, outer(packet, B), 'icmp-relayed'))(
      icmp({ type: 3, code: 1, payload: QUOTE_28 }, { source: ROUTER }),
    ),
  ),
  row(
    'an error too big for the tunnel leaves in outer fragments, without DF',
    forward(LARGE_ERROR, B, outerFragments(LARGE_ERROR, B, { id: 1, ends: [1480, 1500] }), 'icmp-relayed'),
  ),
  row(
    'an error whose TTL runs out is not answered',
    drop(icmp({ type: 3, code: 1, payload: QUOTE_28 }, { ttl: 1 }), 'ttl-expired'),
  ),
  row(
    'types 5 and 12 are not passed on',
    drop(clientError(5, QUOTE_28), 'icmp-unknown'),
    drop(clientError(12, QUOTE_28), 'icmp-unknown'),
  ),
  row(
    'an error about no flow',
    drop(clientError(3, realsAnswer(RR)), 'icmp-unknown'),
    drop(clientError(3, realsAnswer(WRR, 'udp')), 'icmp-unknown'),
    drop(clientError(3, realsAnswer(CLOSED)), 'icmp-unknown'),
    drop(clientError(3, QUOTE_28.subarray(0, 23)), 'icmp-unknown'),
  ),
  row('an error about a later fragment', drop(clientError(3, mangled(QUOTE_28, 6, 100)), 'icmp-unknown')),
  row('an echo reply is for nobody', drop(icmp({ type: 0, code: 0 }), 'icmp-unknown')),
  row(
    'another protocol: protocol unreachable',
    ...[47, 4, 2].map((protocol, i) =>
      ((packet) => answer(packet, icmpError({ type: 3, code: 2 }, packet, i + 1), 'unsupported-protocol'))(
        ipPacket(protocol, data(40)),
      ),
    ),
  ),
];
