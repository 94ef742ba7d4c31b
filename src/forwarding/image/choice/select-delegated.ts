// Chooses the real where the slow path schedules new flows: remembered flow, persistence template, scheduler.
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import type { Service } from '../../forwarding-table.ts';
import type { ScheduleRequest } from '../../schedulers/scheduler.ts';
import { isUdp } from '../flows/flow-state.ts';
import { TICK_MS } from '../tables/layout.ts';
import { findTemplate } from './persistence-template.ts';
import {
  beginsFlow,
  type Choice,
  type FlowPacket,
  recall,
  type SelectableService,
  type SelectionMemory,
  type UnknownFlow,
} from './selection.ts';

/**
 * Chooses the real for a service whose new flows the slow path schedules:
 *
 * 1. A usable entry of the flow gives its real. One-packet scheduling neither looks for an entry nor remembers one.
 * 2. Otherwise a TCP or SCTP packet that opens no flow gets none; see `beginsFlow`.
 * 3. With persistence a template of the client's network gives its real if that serves, even if it is overloaded or has weight 0;
 *   weight 0 counts only without `expireQuiescentTemplate`.
 * 4. Otherwise the scheduler chooses.
 * 5. The flow and, with persistence, its client's template are remembered. Each new flow renews the template.
 */
export function chooseDelegated(
  memory: SelectionMemory,
  service: SelectableService,
  packet: FlowPacket,
  nowTick: number,
): Choice {
  const { delegate, index } = service;
  const remembers = !(delegate?.service.onePacket === true && isUdp(packet));
  const known = remembers ? recall(memory, service, packet) : NOTHING;
  if (known.real !== undefined) return known;
  if (!beginsFlow(memory, packet)) return { real: 0, how: 'no-flow' };
  if (delegate === undefined) return { real: 0, how: 'none' };
  const { persistence } = delegate.service;
  const template =
    persistence && findTemplate(memory, packet, { index, prefixLength: persistence.prefixLength });
  if (template?.hit && memory.mayFollowTemplate(template.hit.real))
    return { real: template.hit.real, how: 'template', flow: known.flow, hit: known.hit, template };
  const chosen = delegate.schedule(requestOf(delegate.service, packet, { nowTick, random: memory.random }));
  if (chosen === undefined) return { real: 0, how: 'none' };
  return { ...chosen, how: 'scheduled', flow: known.flow, hit: known.hit, template };
}

const NOTHING: UnknownFlow = {};

function requestOf(
  { vip, port, protocol }: Service,
  { client, clientAddress, clientPort }: FlowPacket,
  { nowTick, random }: { readonly nowTick: number; readonly random: () => number },
): ScheduleRequest {
  const address = clientAddress ?? (client as Ipv4Address);
  return { client: address, clientPort, vip, port, protocol, nowMs: nowTick * TICK_MS, random };
}
