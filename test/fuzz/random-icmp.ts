import type { ForwardingTable, TransportProtocol } from '../../src/forwarding/forwarding-table.ts';
import { type IpAddress, isIpv6 } from '../../src/net/address/ip-address.ts';
import { buildIcmp, ICMP_TYPE } from '../../src/net/headers/icmp.ts';
import { buildIcmpv6, ICMPV6_TYPE } from '../../src/net/headers/icmpv6.ts';
import { PROTOCOL } from '../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../src/net/headers/tcp.ts';
import { buildUdp } from '../../src/net/headers/udp.ts';
import type { Random } from './random.ts';
import { randomClient, randomClientPort, randomIp } from './random-ip.ts';

const ERRORS_4 = [3, 3, 4, 5, 11, 12];
const ERRORS_6 = [1, 2, 2, 3, 4, 100];

interface Message {
  readonly type: number;
  readonly code: number;
  readonly rest: number;
  readonly payload: Uint8Array;
}

/** Echo requests, and errors that quote what a real may have answered. */
export function randomIcmp(random: Random, table: ForwardingTable): Uint8Array {
  const { vip, port, protocol } = random.pick(table.services);
  const source = randomClient(random, vip);
  const isEcho = random.chance(0.4);
  const message = isEcho
    ? { type: echoOf(vip), code: 0, rest: random.word(), payload: random.bytes(8) }
    : randomError(random, quoted(random, { source: vip, destination: source, protocol, port }), vip);
  return isIpv6(vip) && isIpv6(source)
    ? randomIp(
        random,
        { source, destination: vip, protocol: PROTOCOL.icmpv6 },
        buildIcmpv6({ source, destination: vip, ...message }),
      )
    : randomIp(random, { source, destination: vip, protocol: PROTOCOL.icmp }, buildIcmp(message));
}

function echoOf(vip: IpAddress): number {
  return isIpv6(vip) ? ICMPV6_TYPE.echoRequest : ICMP_TYPE.echoRequest;
}

function randomError(random: Random, answer: Uint8Array, vip: IpAddress): Message {
  return {
    type: random.pick(isIpv6(vip) ? ERRORS_6 : ERRORS_4),
    code: random.below(6),
    rest: random.below(2000),
    payload: answer.subarray(0, random.between(20, answer.length)),
  };
}

interface Answer {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: TransportProtocol;
  readonly port: number;
}

function quoted(random: Random, { source, destination, protocol, port }: Answer): Uint8Array {
  const ports = { source, destination, sourcePort: port, destinationPort: randomClientPort(random) };
  const segment =
    protocol === 'tcp'
      ? buildTcp({ ...ports, flags: TCP_FLAGS.ack })
      : buildUdp({ ...ports, payload: new Uint8Array(4) });
  return randomIp(random, { source, destination, protocol: PROTOCOL[protocol] }, segment);
}
