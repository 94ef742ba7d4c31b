import { familyOf, formatIp, type IpAddress, isIpv4, networkOf, parseIp } from '../../net/ip-address.ts';
import { describeFound } from '../issue.ts';
import type { Origin } from './origins.ts';
import type { Findings } from './place.ts';
import { readPort } from './port.ts';
import { blockOf, required } from './read-values.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';

/** An address and port of a virtual server. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly origin: Origin;
}

export type Groups = ReadonlyMap<string, readonly Endpoint[]>;

export const NO_FWMARK: string =
  'virtual servers by firewall mark are not in culvert, which sees packets before any firewall marks them; ' +
  "allowed: an address and a port, or in culvert's YAML several ports as one service, as port: [80, 443]";

/** A range larger than this is a slip: it is more services than a director is sized for. */
const MAX_RANGE = 65_536;
const MAX_RANGE_BITS = 16;

/** Every `virtual_server_group` by its name, ranges written out. */
export function readGroups(statements: readonly Statement[], findings: Findings): Groups {
  const groups = new Map<string, readonly Endpoint[]>();
  for (const statement of statements) {
    if (keywordOf(statement) !== 'virtual_server_group') continue;
    const name = required(statement, 'the name of the group', findings);
    const members = blockOf(statement, findings).flatMap((entry) => readEntry(entry, findings));
    if (members.length === 0)
      findings.warn(
        placeOf(statement),
        'virtual_server_group: it has no entries and is left out, as by keepalived',
      );
    if (name !== undefined) groups.set(name.text, [...(groups.get(name.text) ?? []), ...members]);
  }
  return groups;
}

function readEntry(entry: Statement, findings: Findings): Endpoint[] {
  const range = keywordOf(entry);
  const origin = { place: placeOf(entry), keyword: 'virtual_server_group' };
  if (range === 'fwmark') {
    findings.error(origin.place, `virtual_server_group: fwmark: ${NO_FWMARK}`);
    return [];
  }
  const [portWord] = parametersOf(entry);
  const port = readPort(portWord, 'virtual_server_group', findings);
  if (port === undefined) return [];
  const addresses = expandRange(range);
  if (addresses === undefined) {
    const allowed = `an address, 192.0.2.1-10, 192.0.2.250-192.0.3.10, 192.0.2.8/29 or 2001:db8::10-1f, at most ${MAX_RANGE} addresses`;
    findings.error(origin.place, `virtual_server_group: found ${describeFound(range)}; allowed: ${allowed}`);
    return [];
  }
  return addresses.map((address) => ({ address, port, origin }));
}

function expandRange(text: string): string[] | undefined {
  const [, first = '', prefixLength, last] =
    /^([\d.a-fA-F:]+)(?:\/(\d{1,3})|-([\d.a-fA-F:]+))?$/.exec(text) ?? [];
  const from = parseIp(first);
  if (from === undefined) return undefined;
  if (prefixLength !== undefined) return network(from, Number(prefixLength));
  if (last === undefined) return [formatIp(from)];
  const isShort = !/[.:]/.test(last);
  const to = parseIp(isShort ? first.replace(/[^.:]*$/, last) : last);
  // keepalived wants the short form to be a range indeed.
  return to === undefined || (isShort && to === from) ? undefined : between(from, to);
}

function network(address: IpAddress, prefixLength: number): string[] | undefined {
  const hostBits = (isIpv4(address) ? 32 : 128) - prefixLength;
  const sound = hostBits >= 0 && hostBits <= MAX_RANGE_BITS && networkOf(address, prefixLength) === address;
  return sound ? listed(address, 2 ** hostBits) : undefined;
}

function between(from: IpAddress, to: IpAddress): string[] | undefined {
  if (familyOf(from) !== familyOf(to)) return undefined;
  const count = BigInt(to) - BigInt(from) + 1n;
  return count < 1n || count > MAX_RANGE ? undefined : listed(from, Number(count));
}

function listed(from: IpAddress, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    formatIp((isIpv4(from) ? from + index : from + BigInt(index)) as IpAddress),
  );
}
