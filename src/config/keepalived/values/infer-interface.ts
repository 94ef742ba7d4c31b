// Finds the interface of the director where nobody names it.
import { type IpAddress, parseIp } from '../../../net/address/ip-address.ts';
import type { IssuePath } from '../../validate/issue.ts';
import type { PlainService } from '../services/virtual-server.ts';
import type { Findings, Place } from '../text/place.ts';
import { keywordOf, parametersOf, type Statement } from '../text/statement.ts';
import { addressKey, movedAddresses } from '../vrrp/vrrp-instances.ts';
import type { Origins } from './origins.ts';

/** The interfaces by which this machine reaches addresses, each once; undefined: nobody is asked. */
export type InterfacesTo = (addresses: readonly IpAddress[]) => readonly string[];

interface InferContext {
  readonly fileName: string;
  readonly findings: Findings;
  readonly origins: Origins;
  readonly interfacesTo: InterfacesTo | undefined;
}

/**
 * The interface that the traffic of virtual addresses reaches, where nobody names it: that of the vrrp_instance, or the one
 * by which the real servers are reached. Undefined, with an error, where there is none or more than one.
 */
export function inferInterface(
  statements: readonly Statement[],
  services: readonly PlainService[],
  { fileName, findings, origins, interfacesTo }: InferContext,
): string | undefined {
  const vips = new Set(services.map(({ vip }) => addressKey(String(vip))));
  const instances = statements.filter((statement) => keywordOf(statement) === 'vrrp_instance');
  const ofVips = instances.filter((instance) =>
    movedAddresses(instance).some(({ address }) => vips.has(address)),
  );
  const named = (ofVips.length > 0 ? ofVips : instances).flatMap((instance) => interfaceOf(instance) ?? []);
  const [first] = named;
  const start: Place = { fileName, line: 1, column: 1 };
  if (first !== undefined) {
    const names = [...new Set(named.map(({ name }) => name))];
    if (names.length > 1) return tellSeveral(first.place, names, 'vrrp_instance names', findings);
    findings.warn(
      first.place,
      `director.interface: ${first.name}, taken from this vrrp_instance; to use another one, give --interface`,
    );
    origins.set(INTERFACE, { place: first.place, keyword: 'interface' });
    return first.name;
  }
  const reals = services.flatMap(({ reals: list }) => list as readonly { readonly address?: unknown }[]);
  const addresses = [...new Set(reals.flatMap(({ address }) => parseIp(String(address)) ?? []))];
  const reached = interfacesTo?.(addresses) ?? [];
  if (reached.length > 1)
    return tellSeveral(start, reached, 'the real servers are reached through', findings);
  const [name] = reached;
  if (name === undefined) return undefined;
  findings.warn(
    start,
    `director.interface: ${name}, which is on the route to the real servers; to use another one, give --interface`,
  );
  origins.set(INTERFACE, { place: start, keyword: '--interface' });
  return name;
}

const INTERFACE: IssuePath = ['director', 'interface'];

/** Returns one of them, so that nothing else is said of its lack. */
function tellSeveral(
  place: Place,
  names: readonly string[],
  what: string,
  findings: Findings,
): string | undefined {
  findings.error(
    place,
    `${what} ${names.join(' and ')}; fix: give --interface NAME, the interface on which traffic for virtual addresses arrives`,
  );
  return names[0];
}

function interfaceOf(instance: Statement): { name: string; place: Place } | undefined {
  const found = instance.body?.find((statement) => keywordOf(statement) === 'interface');
  const [word] = found === undefined ? [] : parametersOf(found);
  return word && { name: word.text, place: word.place };
}
