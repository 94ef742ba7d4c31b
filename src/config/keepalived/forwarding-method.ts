import { describeFound } from '../issue.ts';
import type { Findings } from './place.ts';
import { originOf, type Setting, wholeNumber } from './read-values.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';
import type { Word } from './words.ts';

const UNABLE: ReadonlyMap<string, string> = new Map([
  [
    'NAT',
    'culvert tunnels only: real servers answer clients directly, so it never sees the answers that NAT has to rewrite',
  ],
  [
    'DR',
    'culvert tunnels only: it reaches real servers in any subnet by an IP tunnel, not through a shared link',
  ],
]);

export const DEFAULT_IS_NAT =
  'no lvs_method (lb_kind) is given, and keepalived then uses NAT; allowed: lvs_method TUN, the only one that culvert has';

const ALLOWED =
  'TUN, TUN type ipip, TUN type gre [nocsum|csum], or TUN type gue port PORT [nocsum|csum|remcsum]';

/** A tunnel as culvert's YAML has it: `ipip`, or a mapping. */
export type PlainTunnel = string | Readonly<Record<string, unknown>>;

const TYPES = ['ipip', 'gre', 'gue'];

/** By keepalived's words: culvert's. */
const CHECKSUMS: ReadonlyMap<string, string> = new Map([
  ['nocsum', 'none'],
  ['csum', 'full'],
  ['remcsum', 'remote'],
]);

/** The tunnel of `lvs_method TUN [type ...]`; undefined, and told, when it is something else. */
export function readForwardingMethod(
  statement: Statement,
  findings: Findings,
): Setting<PlainTunnel> | undefined {
  const [method, type, name, ...options] = parametersOf(statement);
  const keyword = keywordOf(statement);
  if (method?.text !== 'TUN') {
    refuseMethod(statement, method, findings);
    return undefined;
  }
  const origin = originOf(statement, name ?? method);
  if (type === undefined) return { value: 'ipip', origin };
  const wrong =
    type.text !== 'type' || name === undefined ? type : TYPES.includes(name.text) ? undefined : name;
  const read = wrong === undefined ? readOptions(options) : { wrong };
  if ('wrong' in read) {
    const { place, text } = read.wrong;
    findings.error(place, `${keyword}: found ${describeFound(text)}; allowed: ${ALLOWED}`);
    return undefined;
  }
  const plain = { type: name?.text ?? '', ...read };
  // Whether they belong to the type is for the validation of all configurations to say.
  return { value: Object.keys(plain).length === 1 && plain.type !== 'gue' ? plain.type : plain, origin };
}

function refuseMethod(statement: Statement, method: Word | undefined, findings: Findings): void {
  const keyword = keywordOf(statement);
  const reason = UNABLE.get(method?.text ?? '');
  const found =
    reason === undefined ? `: found ${describeFound(method?.text)}` : ` ${method?.text}: ${reason}`;
  findings.error(method?.place ?? placeOf(statement), `${keyword}${found}; allowed: TUN`);
}

/** `port PORT` and one word for checksums, in any order. */
function readOptions(words: readonly Word[]): { port?: number; checksum?: string } | { wrong: Word } {
  const options: { port?: number; checksum?: string } = {};
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as Word;
    const checksum = CHECKSUMS.get(word.text);
    if (checksum !== undefined) options.checksum = checksum;
    else {
      const number = words[++index];
      const port =
        word.text === 'port' ? wholeNumber(number?.text ?? '', { from: 1, to: 65_535 }) : undefined;
      if (port === undefined) return { wrong: word.text === 'port' && number !== undefined ? number : word };
      options.port = port;
    }
  }
  return options;
}
