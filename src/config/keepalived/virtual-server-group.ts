import { isIP } from 'node:net';
import { formatIpv4, type Ipv4Address, parseIpv4 } from '../../net/ipv4-address.ts';
import { describeFound } from '../issue.ts';
import type { Origin } from './origins.ts';
import type { Findings } from './place.ts';
import { blockOf, required, wholeNumber } from './read-values.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';
import type { Word } from './words.ts';

/** An address and port of a virtual server. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly origin: Origin;
}

export type Groups = ReadonlyMap<string, readonly Endpoint[]>;

export const NO_FWMARK: string =
  'virtual servers by firewall mark are not in culvert, which sees packets before any firewall marks them; ' +
  'allowed: an address and a port';

export const NO_PORT: string =
  'a virtual server of all ports needs persistence, which culvert has not got; allowed: a port';

/** A range larger than this is a slip: it is more services than a director is sized for. */
const MAX_RANGE = 65_536;

/** Every `virtual_server_group` by its name, ranges written out. */
export function readGroups(statements: readonly Statement[], findings: Findings): Groups {
  const groups = new Map<string, readonly Endpoint[]>();
  for (const statement of statements) {
    if (keywordOf(statement) !== 'virtual_server_group') continue;
    const name = required(statement, 'the name of the group', findings);
    const members = blockOf(statement, findings).flatMap((entry) => readEntry(entry, findings));
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
  const port = readPort(portWord, { keyword: 'virtual_server_group', place: origin.place }, findings);
  if (port === undefined) return [];
  const addresses = expandRange(range);
  if (addresses === undefined) {
    const allowed = `an address, 192.0.2.1-10, 192.0.2.250-192.0.3.10 or 192.0.2.8/29, at most ${MAX_RANGE} addresses`;
    findings.error(origin.place, `virtual_server_group: found ${describeFound(range)}; allowed: ${allowed}`);
    return [];
  }
  return addresses.map((address) => ({ address, port, origin }));
}

/** A port that has to be there; what is wrong is told. */
export function readPort(
  word: Word | undefined,
  { keyword, place }: Origin,
  findings: Findings,
): number | undefined {
  if (word === undefined || /^0+$/.test(word.text)) {
    findings.error(word?.place ?? place, `${keyword}: ${NO_PORT}`);
    return undefined;
  }
  const port = wholeNumber(word.text, { from: 1, to: 65_535 });
  if (port === undefined)
    findings.error(
      word.place,
      `${keyword}: found ${describeFound(word.text)}; allowed: a port from 1 to 65535`,
    );
  return port;
}

function expandRange(text: string): string[] | undefined {
  // Whether IPv6 may stand here is for the validation of all configurations to say.
  if (isIP(text) !== 0) return [text];
  const [, first = '', mask, last] = /^([\d.]+)(?:\/(\d{1,2})|-([\d.]+))$/.exec(text) ?? [];
  const from = parseIpv4(first);
  if (from === undefined) return undefined;
  if (mask !== undefined) return network(from, Number(mask));
  // `192.0.2.1-10`: the last byte alone.
  const to = parseIpv4(last?.includes('.') === true ? last : first.replace(/\d+$/, last ?? ''));
  return to === undefined ? undefined : between(from, to);
}

function network(address: Ipv4Address, bits: number): string[] | undefined {
  if (bits > 32 || bits < 16) return undefined;
  const size = 2 ** (32 - bits);
  const from = Math.floor(address / size) * size;
  return between(from, from + size - 1);
}

function between(from: number, to: number): string[] | undefined {
  if (to < from || to - from >= MAX_RANGE) return undefined;
  return Array.from({ length: to - from + 1 }, (_, index) => formatIpv4((from + index) as Ipv4Address));
}
