// Reads `virtual_server_group` blocks.
import {
  familyOf,
  formatIp,
  type IpAddress,
  isIpv4,
  networkOf,
  parseIp,
} from '../../../net/address/ip-address.ts';
import { describeFound } from '../../validate/issue.ts';
import type { Findings } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';
import type { Origin } from '../values/origins.ts';
import { readPort } from '../values/port.ts';
import { blockOf, IGNORED, required } from '../values/read-values.ts';

/** An address and port of a virtual server. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly origin: Origin;
}

export type Groups = ReadonlyMap<string, readonly Endpoint[]>;

export const NO_FWMARK: string =
  'culvert does not support virtual servers by firewall mark: it sees packets before any firewall marks them; ' +
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
    const [, extra] = parametersOf(statement);
    if (extra !== undefined)
      findings.complain(extra.place, `virtual_server_group: found '${extra.text}'; ${IGNORED}`);
    const entries = blockOf(statement).map((entry) => readEntry(entry, findings));
    const members = entries.flatMap((entry) => (entry === 'refused' ? [] : entry));
    if (members.length === 0 && !entries.includes('refused'))
      findings.complain(
        placeOf(statement),
        'virtual_server_group: it has no entries and is skipped, as in keepalived',
      );
    else if (name !== undefined && !groups.has(name.text)) groups.set(name.text, members);
    else if (name !== undefined)
      findings.warn(
        name.place,
        `virtual_server_group: a second group of the same name; the first one counts, as in keepalived`,
      );
  }
  return groups;
}

const ENTRY = {
  skipped: 'the entry is skipped, as in keepalived',
  allowed: `an address, 192.0.2.1-10, 192.0.2.250-192.0.3.10, 192.0.2.8/29 or 2001:db8::10-1f, at most ${MAX_RANGE} addresses`,
};

function readEntry(entry: Statement, findings: Findings): Endpoint[] | 'refused' {
  const range = keywordOf(entry);
  const origin = { place: placeOf(entry), keyword: 'virtual_server_group' };
  if (range === 'fwmark') {
    findings.error(origin.place, `virtual_server_group: fwmark: ${NO_FWMARK}`);
    return 'refused';
  }
  const [portWord] = parametersOf(entry);
  const statement = { words: [{ text: 'virtual_server_group', place: origin.place }], body: undefined };
  const port = readPort(portWord, { statement, skipped: ENTRY.skipped }, findings);
  if (port === undefined) return [];
  const addresses = expandRange(range);
  if (Array.isArray(addresses)) return addresses.map((address) => ({ address, port, origin }));
  const found = `virtual_server_group: found ${describeFound(range)}; allowed: ${ENTRY.allowed}`;
  if (addresses === 'too large') findings.error(origin.place, found);
  else findings.complain(origin.place, `${found}; ${ENTRY.skipped}`);
  return addresses === 'too large' ? 'refused' : [];
}

type Expanded = string[] | 'too large' | undefined;

function expandRange(text: string): Expanded {
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

function network(address: IpAddress, prefixLength: number): Expanded {
  const hostBits = (isIpv4(address) ? 32 : 128) - prefixLength;
  const sound = prefixLength > 0 && hostBits >= 0 && networkOf(address, prefixLength) === address;
  if (!sound) return undefined;
  return hostBits > MAX_RANGE_BITS ? 'too large' : listed(address, 2 ** hostBits);
}

function between(from: IpAddress, to: IpAddress): Expanded {
  if (familyOf(from) !== familyOf(to)) return undefined;
  const count = BigInt(to) - BigInt(from) + 1n;
  if (count > MAX_RANGE) return 'too large';
  return count < 1n ? undefined : listed(from, Number(count));
}

function listed(from: IpAddress, count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    formatIp((isIpv4(from) ? from + index : from + BigInt(index)) as IpAddress),
  );
}
