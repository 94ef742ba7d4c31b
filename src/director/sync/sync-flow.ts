// Flows as messages of the synchronisation protocol name them, in both directions.
import type { FlowRecord, KnownFlow } from '../../dataplane/data-plane.ts';
import type { FlowStateName } from '../../forwarding/flow-states.ts';
import type { TransportProtocol } from '../../forwarding/forwarding-table.ts';
import { isIpv6 } from '../../net/address/ip-address.ts';
import { SYNC_FLAGS, type SyncConnection } from '../../sync/sync-message.ts';
import { flowStateOf, kernelStateOf, templateStateOf } from '../../sync/sync-states.ts';

const NUMBER: Readonly<Record<TransportProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 };
const NAMES = new Map(Object.entries(NUMBER).map(([name, number]) => [number, name as TransportProtocol]));

/** The states that kernel IPVS counts as active; all others have the flag `inactive`. */
const ACTIVE: ReadonlySet<FlowStateName> = new Set(['SYN_RECV', 'ESTABLISHED', 'INIT1', 'INIT']);

/** Returns the flow that a message names; undefined for one of another protocol, of a firewall mark, or without a state. */
export function knownFlow(connection: SyncConnection): KnownFlow | undefined {
  const { vip, port, client, clientPort, real, timeoutS } = connection;
  const protocol = NAMES.get(connection.protocol);
  if (protocol === undefined) return undefined;
  const isTemplate = (connection.flags & SYNC_FLAGS.template) !== 0;
  const state = isTemplate ? templateStateOf(connection.state) : flowStateOf(protocol, connection.state);
  if (state === undefined) return undefined;
  const leftMs = timeoutS === 0 ? undefined : timeoutS * 1000;
  const service = { vip, protocol, port };
  return { service, client, clientPort: isTemplate ? 0 : clientPort, real, state, leftMs };
}

/**
 * Returns how a message names a flow; undefined if none can: its client is not noted yet, its service has all ports, or VIP and real
 * are of two families.
 */
export function syncConnection(record: FlowRecord): SyncConnection | undefined {
  const { service, client, clientPort, real, state, leftMs } = record;
  const port = 'packetPort' in record ? record.packetPort : service.port;
  const number = kernelStateOf(service.protocol, state);
  if (client === undefined || port === undefined || number === undefined) return undefined;
  if (isIpv6(service.vip) !== isIpv6(real)) return undefined;
  const isTemplate = state === 'TEMPLATE' || state === 'ASSURED';
  const kind = isTemplate ? SYNC_FLAGS.template : ACTIVE.has(state) ? 0 : SYNC_FLAGS.inactive;
  return {
    protocol: NUMBER[service.protocol],
    flags: SYNC_FLAGS.tunnel | SYNC_FLAGS.noOutput | kind,
    state: number,
    client,
    clientPort,
    vip: service.vip,
    port,
    real,
    realPort: port,
    fwmark: 0,
    // What is left of the timeout, so that both forget the flow at the same time.
    timeoutS: Math.max(1, Math.ceil(leftMs / 1000)),
  };
}
