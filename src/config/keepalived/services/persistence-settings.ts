// Reads and translates the persistence of a virtual server.
import { isIPv6 } from 'node:net';
import { formatDuration } from '../../../contract/values/duration.ts';
import { parseIpv4 } from '../../../net/address/ipv4-address.ts';
import { describeFound } from '../../validate/issue.ts';
import type { Findings } from '../text/place.ts';
import { parametersOf, placeOf, type Statement } from '../text/statement.ts';
import {
  type Keywords,
  originOf,
  readNumber,
  required,
  type Setting,
  tellWrong,
  wholeNumber,
} from '../values/read-values.ts';

/** The persistence settings of a virtual server. */
export interface ReadPersistence {
  persistenceTimeout?: Setting<number> | undefined;
  /** The family of the virtual server's address, where it is known. */
  readonly family?: 4 | 6 | undefined;
  granularity?: (Setting<number> & { readonly family: 4 | 6 }) | undefined;
}

/** keepalived's, where it is asked for without a time. */
export const DEFAULT_PERSISTENCE_SECONDS = 360;
const MAX_SECONDS = 31 * 24 * 3600;
/** Matches texts that getaddrinfo() may take for an IPv4 address. */
const NUMERIC = /^(?:0[xX][\da-fA-F]+|\d+)(?:\.(?:0[xX][\da-fA-F]+|\d+)){0,3}$/;

export const PERSISTENCE: Keywords<ReadPersistence> = {
  persistence_timeout: {
    parameters: 1,
    read: (statement, server, findings): void => {
      server.persistenceTimeout =
        parametersOf(statement).length === 0
          ? { value: DEFAULT_PERSISTENCE_SECONDS, origin: originOf(statement) }
          : (readNumber(statement, { from: 1, to: MAX_SECONDS }, findings, { lenient: false }) ??
            server.persistenceTimeout);
    },
  },
  persistence_granularity: {
    parameters: 1,
    read: (statement, server, findings): void => {
      const granularity = readGranularity(statement, server.family, findings);
      if (granularity === undefined) return;
      server.granularity = granularity;
      server.persistenceTimeout ??= { value: DEFAULT_PERSISTENCE_SECONDS, origin: originOf(statement) };
    },
  },
};

/** A netmask for IPv4, the length of a prefix for IPv6. */
function readGranularity(
  statement: Statement,
  family: 4 | 6 | undefined,
  findings: Findings,
): ReadPersistence['granularity'] {
  const allowed = 'a netmask such as 255.255.255.0, or for IPv6 a whole number from 1 to 128';
  const word = required(statement, allowed, findings);
  if (word === undefined) return undefined;
  const origin = originOf(statement, word);
  const ipv6 = wholeNumber(word.text, { from: 1, to: 128 });
  if (ipv6 !== undefined) return { value: ipv6, family: 6, origin };
  const ipv4 = prefixLengthOf(word.text);
  if (ipv4 !== undefined && family !== 6) return { value: ipv4, family: 4, origin };
  // keepalived hands the kernel any netmask, also one with gaps, and takes a number for one.
  if (family !== 6 && NUMERIC.test(word.text))
    findings.error(
      word.place,
      `persistence_granularity: found ${describeFound(word.text)}; allowed: ${allowed}`,
    );
  else tellWrong(statement, word, { allowed, findings });
  return undefined;
}

function prefixLengthOf(netmask: string): number | undefined {
  const bits = parseIpv4(netmask);
  if (bits === undefined || bits === 0) return undefined;
  const length = Math.clz32(~bits);
  return bits === (-1 << (32 - length)) >>> 0 ? length : undefined;
}

/** Returns culvert's `persistence` for a service at this address, and reports values that do not fit it. */
export function plainPersistence(
  { persistenceTimeout, granularity }: ReadPersistence,
  address: string,
  { statement, findings }: { statement: Statement; findings: Findings },
): object | undefined {
  if (persistenceTimeout === undefined) return undefined;
  const timeout = formatDuration(persistenceTimeout.value * 1000);
  if (granularity === undefined) return { timeout };
  const family = isIPv6(address) ? 6 : 4;
  if (family === granularity.family) return { timeout, prefix: granularity.value };
  const allowed = family === 6 ? 'a whole number from 1 to 128' : 'a netmask such as 255.255.255.0';
  const { place } = granularity.origin ?? { place: placeOf(statement) };
  findings.error(
    place,
    `persistence_granularity: the virtual server's address is IPv${family}; allowed: ${allowed}`,
  );
  return undefined;
}
