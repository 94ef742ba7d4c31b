// Restores image memory that somebody other than the control plane has overwritten.
import { formatIp } from '../../../net/address/ip-address.ts';
import { formatServiceName } from '../../service-name.ts';
import type { ImageState } from '../image-state.ts';
import { REAL, SERVICE, SERVICE_KIND, SETTINGS } from '../tables/layout.ts';
import { protocolName, type ServiceRecord } from '../tables/service-record.ts';

/** The settings that the fast path writes too, or that each tick rewrites. */
const SHARED_SETTINGS: readonly number[] = [SETTINGS.now, SETTINGS.outerId];

/**
 * Restores what somebody else wrote where only the control plane writes, and leaves the rest as it is. Flows, their counts and
 * cursors also belong to the fast path and are not restored.
 * @returns a description of each thing restored
 */
export function mendDrift(state: ImageState): string[] {
  mendTables(state);
  state.noClients.own.mend();
  for (const record of state.byIndex.values()) mendRing(state, record);
  return [
    ...unique(state.settings.own.takeMended().map((at) => nameSetting(4 * at))),
    ...unique(
      state.services.own.takeMended().map((at) => nameEntry(state, Math.floor((4 * at) / SERVICE.size))),
    ),
    ...unique(state.reals.own.takeMended().map((at) => nameReal(state, Math.floor((4 * at) / REAL.size)))),
    ...nameSlots(state, state.slots.takeMended()),
    ...unique(state.noClients.own.takeMended().map(() => 'the list of addresses that no client has')),
  ];
}

/** Restores everything except the slots. The tables are restored first because lookups use them. */
export function mendTables({ settings, services, reals }: ImageState): void {
  for (const offset of SHARED_SETTINGS) settings.own.adopt(offset / 4, offset / 4 + 1);
  settings.own.mend();
  services.own.mend();
  reals.own.mend();
}

export function mendRing(state: ImageState, { firstSlot, slotCount }: ServiceRecord): void {
  state.slots.mend(firstSlot, firstSlot + slotCount);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

function nameSetting(offset: number): string {
  const [name = 'all'] =
    Object.entries(SETTINGS).findLast(([key, at]) => key !== 'size' && at <= offset) ?? [];
  return `the setting ${name} of the fast path`;
}

function nameEntry({ services }: ImageState, bucket: number): string {
  const { kind, vip, port, protocol } = services.read(bucket);
  if (kind === SERVICE_KIND.empty) return `entry ${bucket} of the service table, which is unused`;
  if (kind === SERVICE_KIND.vip) return `the entry of VIP ${formatIp(vip)} in the service table`;
  const name = formatServiceName({ vip, port, protocol: protocolName(protocol) });
  return `the entry of ${name} in the service table`;
}

function nameReal({ reals, byIndex }: ImageState, index: number): string {
  const { address, serviceIndex } = reals.read(index);
  const record = byIndex.get(serviceIndex);
  if (record === undefined) return `entry ${index} of the reals, which is unused`;
  return `the entry of real ${formatIp(address)} of ${formatServiceName(record.service)}`;
}

function nameSlots({ byIndex }: ImageState, positions: readonly number[]): string[] {
  if (positions.length === 0) return [];
  return [...byIndex.values()].flatMap(({ firstSlot, slotCount, service }) => {
    const count = positions.filter((at) => at >= firstSlot && at < firstSlot + slotCount).length;
    if (count === 0) return [];
    return [`${count} ${count === 1 ? 'slot' : 'slots'} of ${formatServiceName(service)}`];
  });
}
