import { describeFound } from '../issue.ts';
import type { Findings } from './place.ts';
import type { Setting } from './read-values.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';

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

/** The tunnel type of `lvs_method TUN [type ...]`; undefined, and told, when it is something else. */
export function readForwardingMethod(statement: Statement, findings: Findings): Setting<string> | undefined {
  const [method, ...options] = parametersOf(statement);
  const keyword = keywordOf(statement);
  const place = method?.place ?? placeOf(statement);
  const origin = { place, keyword };
  if (method?.text !== 'TUN') {
    const reason = UNABLE.get(method?.text ?? '') ?? `found ${describeFound(method?.text)}`;
    findings.error(
      place,
      `${keyword}${reason.startsWith('found') ? '' : ` ${method?.text ?? ''}`}: ${reason}; allowed: TUN`,
    );
    return undefined;
  }
  const [type, name, ...others] = options;
  if (type === undefined) return { value: 'ipip', origin };
  if (type.text !== 'type' || name === undefined) {
    findings.error(
      type.place,
      `${keyword}: found ${describeFound(type.text)}; allowed: TUN, or TUN type ipip`,
    );
    return undefined;
  }
  const [extra] = others;
  if (name.text === 'ipip' && extra !== undefined)
    findings.error(
      extra.place,
      `${keyword}: found ${describeFound(extra.text)}; allowed: nothing behind type ipip`,
    );
  return { value: name.text, origin: { place: name.place, keyword } };
}
