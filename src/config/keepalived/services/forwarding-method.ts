// Reads `lvs_method` with its tunnel.
import { describeFound } from '../../validate/issue.ts';
import type { Word } from '../text/cut-words.ts';
import type { Findings, Place } from '../text/place.ts';
import { keywordOf, parametersOf, type Statement } from '../text/statement.ts';
import { readCNumber } from '../values/c-number.ts';
import { IGNORED, originOf, required, type Setting, tellWrong } from '../values/read-values.ts';

const UNABLE: ReadonlyMap<string, string> = new Map([
  [
    'NAT',
    'culvert forwards by IP tunnel only: real servers answer clients directly, so it never sees the answers that NAT must rewrite',
  ],
  [
    'DR',
    'culvert forwards by IP tunnel only, which reaches real servers in any subnet without a shared link',
  ],
]);

export const DEFAULT_IS_NAT =
  'lvs_method (lb_kind) is missing, and keepalived then uses NAT; allowed: lvs_method TUN, the only method that culvert supports';

const ALLOWED =
  'TUN, TUN type ipip, TUN type gre [nocsum|csum], or TUN type gue port PORT [nocsum|csum|remcsum]';

/** A tunnel as culvert's YAML has it: `ipip`, or a mapping. */
export type PlainTunnel = string | Readonly<Record<string, unknown>>;

const TYPES = ['ipip', 'gre', 'gue'];

/** Culvert's names of checksums by keepalived's words. */
const CHECKSUMS: ReadonlyMap<string, string> = new Map([
  ['nocsum', 'none'],
  ['csum', 'full'],
  ['remcsum', 'remote'],
]);

/** A method that culvert does not have; it is an error where a real server uses it. */
export interface UnableMethod {
  readonly place: Place;
  readonly message: string;
}

export type ReadMethod = Setting<PlainTunnel> | UnableMethod;

export function isTunnel(method: ReadMethod | undefined): method is Setting<PlainTunnel> {
  return method !== undefined && 'value' in method;
}

/**
 * Reads `lvs_method TUN [type ...]` as svr_forwarding_handler() of keepalived does.
 * @param former What an earlier one says: it stays where keepalived ignores this one.
 */
export function readForwardingMethod(
  statement: Statement,
  former: ReadMethod | undefined,
  findings: Findings,
): ReadMethod | undefined {
  const method = required(statement, 'TUN', findings);
  if (method === undefined) return former;
  const keyword = keywordOf(statement);
  const reason = UNABLE.get(method.text);
  if (reason !== undefined)
    return { place: method.place, message: `${keyword} ${method.text}: ${reason}; allowed: TUN` };
  if (method.text !== 'TUN') {
    tellWrong(statement, method, { allowed: 'TUN', findings });
    return former;
  }
  const [, ...options] = parametersOf(statement);
  const read = readOptions(options);
  if (!('wrong' in read)) return { value: plainTunnel(read), origin: originOf(statement, method) };
  const { place, text } = read.wrong;
  findings.complain(
    place,
    `${keyword}: found ${describeFound(text)}; allowed: ${ALLOWED}; ${IGNORED}, and so are all words after TUN`,
  );
  return isTunnel(former) ? former : { value: 'ipip', origin: originOf(statement, method) };
}

interface TunnelOptions {
  readonly type?: string;
  readonly port?: number;
  readonly checksum?: string;
}

function plainTunnel({ type = 'ipip', ...others }: TunnelOptions): PlainTunnel {
  return Object.keys(others).length === 0 ? type : { type, ...others };
}

/** `type TYPE`, `port PORT` and a word for checksums, in any order; the word that is wrong or does not fit the others. */
function readOptions(words: readonly Word[]): TunnelOptions | { wrong: Word } {
  const options: { type?: string; port?: number; checksum?: string } = {};
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as Word;
    const checksum = CHECKSUMS.get(word.text);
    if (checksum !== undefined) {
      options.checksum = checksum;
      continue;
    }
    const value = words[++index];
    if (value === undefined || (word.text !== 'type' && word.text !== 'port')) return { wrong: word };
    if (word.text === 'type') {
      if (!TYPES.includes(value.text)) return { wrong: value };
      options.type = value.text;
    } else {
      const { value: port } = readCNumber(value.text, { from: 1, to: 65_535 }, { lenient: false });
      if (port === undefined) return { wrong: value };
      options.port = port;
    }
  }
  const [first] = words;
  return first === undefined || fit(options) ? options : { wrong: first };
}

function fit({ type = 'ipip', port, checksum = 'none' }: TunnelOptions): boolean {
  if ((type === 'gue') !== (port !== undefined)) return false;
  return checksum === 'none' || type === 'gue' || (type === 'gre' && checksum === 'full');
}
