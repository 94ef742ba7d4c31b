// BFD sessions that are down, in an operator's words.
import { formatDuration } from '../../contract/values/duration.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import { BFD_DIAGNOSTIC, BFD_STATE, describeDiagnostic } from './control-packet.ts';
import { type BfdSession, deadlineMs } from './session.ts';

/** Describes why a session fell, in an operator's words; `before` is its former state. */
export function describeFall(neighbor: IpAddress, session: BfdSession, before: BfdSession): string {
  const peer = formatIp(neighbor);
  if (session.diagnostic === BFD_DIAGNOSTIC.timeExpired) {
    const detectionMs = Math.round(deadlineMs(before) - before.heardMs);
    return `no BFD packet from ${peer} within ${formatDuration(detectionMs)}`;
  }
  const { state, diagnostic } = session.remote;
  if (state === BFD_STATE.adminDown) return `BFD was shut down at ${peer}`;
  return `${peer} has taken the BFD session down (${describeDiagnostic(diagnostic)})`;
}

/** Describes why a session has not come up yet. */
export function describeAbsence(neighbor: IpAddress, session: BfdSession): string {
  const peer = formatIp(neighbor);
  if (session.remote.discriminator === 0) return `no BFD packet from ${peer}`;
  if (session.remote.state === BFD_STATE.adminDown) return `BFD is shut down at ${peer}`;
  return `${peer} sends BFD packets but hears none`;
}
