// Looks up and renews persistence templates, which send a client's new flows to the real of its earlier ones.
import { isIpv4, networkOf } from '../../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../net/address/ipv6-address.ts';
import type { RealIndex } from '../../decision.ts';
import { foldIpv6 } from '../../hashing/flow-hash.ts';
import type { FlowHit, FlowKey, FlowTable } from '../flows/flow-table.ts';
import { FLOW_STATE } from '../tables/layout.ts';

/** The place of the template that a client's packet needs, whether it exists or not. */
export interface TemplatePlace {
  readonly key: FlowKey;
  /** The client's network, for IPv6. */
  readonly network: Ipv6Address | undefined;
  readonly hit: FlowHit | undefined;
}

interface Client {
  readonly client: number;
  readonly clientAddress?: Ipv6Address | undefined;
}

interface TemplateMemory {
  readonly hashKey: Uint32Array;
  readonly flows: FlowTable;
}

export function findTemplate(
  memory: TemplateMemory,
  { client, clientAddress }: Client,
  { index, prefixLength }: { readonly index: number; readonly prefixLength: number },
): TemplatePlace {
  const network = networkOf(clientAddress ?? (client as Ipv4Address), prefixLength);
  const word = isIpv4(network) ? network : foldIpv6(network, memory.hashKey);
  const key = memory.flows.keyOf({ client: word, clientPort: 0, serviceIndex: index });
  return { key, network: isIpv4(network) ? undefined : network, hit: memory.flows.findTemplate(key) };
}

/** Renews the template for a new flow; replaces one that names a real which may have no flows. */
export function noteTemplate(
  flows: FlowTable,
  { key, network, hit }: TemplatePlace,
  { real, nowTick }: { readonly real: RealIndex; readonly nowTick: number },
): void {
  if (hit?.real === real) flows.touch(hit, hit.state, nowTick);
  else if (hit) flows.replace(hit, { real, state: FLOW_STATE.template, nowTick });
  else flows.insert(key, { real, state: FLOW_STATE.template, nowTick }, network);
}
