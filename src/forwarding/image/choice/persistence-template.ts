// Finds and notes the persistence template of a client.
import { isIpv4, networkOf } from '../../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../net/address/ipv6-address.ts';
import type { RealIndex } from '../../decision.ts';
import { foldIpv6 } from '../../hashing/flow-hash.ts';
import type { FlowHit, FlowKey, FlowTable } from '../flows/flow-table.ts';
import { FLOW_STATE } from '../tables/layout.ts';

/** What a client's packet needs of a persistent service: where its template is or would be. */
export interface TemplatePlace {
  readonly key: FlowKey;
  /** IPv6: the client's network. */
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

/** A new flow renews its template; one that names a real which may have no flows is replaced. */
export function noteTemplate(
  flows: FlowTable,
  { key, network, hit }: TemplatePlace,
  { real, nowTick }: { readonly real: RealIndex; readonly nowTick: number },
): void {
  if (hit?.real === real) flows.touch(hit, hit.state, nowTick);
  else if (hit) flows.replace(hit, { real, state: FLOW_STATE.template, nowTick });
  else flows.insert(key, { real, state: FLOW_STATE.template, nowTick }, network);
}
