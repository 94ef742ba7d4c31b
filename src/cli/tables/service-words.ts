// Options of a service in the words of a table.
import type { WireService } from '../../contract/api/service-status.ts';
import { formatDuration } from '../../contract/values/duration.ts';
import type { Tunnel } from '../../forwarding/forwarding-table.ts';

/** `sh (sh-port)`, `mh (source)`, `wlc`. */
export function schedulerText({ scheduler, schedulerFlags, hashOn, onePacket }: WireService): string {
  const remarks = [
    ...schedulerFlags,
    ...(scheduler === 'mh' && hashOn === 'source' ? [hashOn] : []),
    ...(onePacket ? ['one packet'] : []),
  ];
  return remarks.length === 0 ? scheduler : `${scheduler} (${remarks.join(', ')})`;
}

/** `5m`, or `5m/24` where the clients of a network count as one. */
export function persistenceText({ persistence, service }: WireService): string {
  if (persistence === null) return '-';
  const { timeoutMs, prefixLength } = persistence;
  const single = prefixLength === (service.vip.includes(':') ? 128 : 32);
  return `${formatDuration(timeoutMs)}${single ? '' : `/${prefixLength}`}`;
}

/** `ipip`, `gre`, `gre full`, `gue:6080 remote`. */
export function tunnelText(tunnel: Tunnel): string {
  if (tunnel.type === 'ipip') return tunnel.type;
  const name = tunnel.type === 'gue' ? `gue:${tunnel.port}` : tunnel.type;
  return tunnel.checksum === 'none' ? name : `${name} ${tunnel.checksum}`;
}

/** `up`, `lost`; where a quorum is asked for, of which weights: `lost (50 of 150 - 10)`. */
export function quorumText({ quorum: { state, weight, quorum, hysteresis } }: WireService): string {
  if (quorum === 1) return state;
  const sign = state === 'up' ? '-' : '+';
  const wanted = hysteresis === 0 ? `${quorum}` : `${quorum} ${sign} ${hysteresis}`;
  return `${state} (${weight} of ${wanted})`;
}

/** `10.0.9.9`, `10.0.9.9 serves`. */
export function sorryText({ sorryServer }: WireService): string {
  if (sorryServer === null) return '-';
  return sorryServer.serving ? `${sorryServer.address} serves` : sorryServer.address;
}
