// Puts the forwarder into a node of the simulated network.
import type { Decision, RealIndex } from '../../forwarding/decision.ts';
import { decide } from '../../forwarding/forwarder.ts';
import { decideCheck } from '../../forwarding/packets/check-packet.ts';
import { learnPathMtu } from '../../forwarding/path-mtu/report.ts';
import { checkKey, type ForwarderState } from '../../forwarding/state.ts';
import { readU16 } from '../../net/bytes.ts';
import { PROTOCOL, parseIpv4Header } from '../../net/headers/ipv4.ts';
import type { Host } from './network/simulated-host.ts';

const ECHO_IDENTIFIER_AT = 4;

/**
 * Puts the forwarder in front of a host: it sees every packet that arrives before the host does, and the packets of
 * check sockets, whose mark is the index of the real under test, before they leave. Undone by disposing.
 */
export function attachForwarder(host: Host, state: ForwarderState): Disposable {
  const { ip } = host;
  ip.ingress = (packet, header) => {
    const reported = header.protocol === PROTOCOL.icmp && ip.isLocal(header.destination);
    if (reported && takeReport(host, state, packet)) return true;
    const decision = decide(packet, state, ip.loop.nowMs);
    carryOut(host, decision);
    return decision.verdict !== 'pass';
  };
  ip.egress = (packet, mark) => {
    if (mark === undefined) return packet;
    registerCheck(state, packet, mark);
    const decision = decideCheck(packet, state, ip.loop.nowMs);
    if (decision !== undefined) carryOut(host, decision);
    return undefined;
  };
  return {
    [Symbol.dispose]: () => {
      ip.ingress = undefined;
      ip.egress = undefined;
    },
  };
}

/** Takes path MTUs that routers report to the director's own address. Returns true if the error is about a packet to a real. */
function takeReport(host: Host, state: ForwarderState, packet: Uint8Array): boolean {
  const report = learnPathMtu(packet, state, host.ip.loop.nowMs);
  if (report.answer !== undefined) carryOut(host, report.answer);
  return report.outcome !== 'ignored';
}

function carryOut(host: Host, decision: Decision): void {
  if (decision.verdict === 'answer') host.ip.transmit(decision.packet);
  if (decision.verdict === 'forward') for (const packet of decision.packets) host.ip.transmit(packet);
}

/** The connector forgets the port again when the check has ended. */
function registerCheck(state: ForwarderState, packet: Uint8Array, real: RealIndex): void {
  const header = parseIpv4Header(packet);
  if (typeof header === 'string') return;
  const portAt = header.headerBytes + (header.protocol === PROTOCOL.icmp ? ECHO_IDENTIFIER_AT : 0);
  state.checks.set(checkKey(header.protocol, readU16(packet, portAt)), real);
}
