// The differences of two values of a configuration, setting by setting.
import type { SettingChange } from '../../contract/api/configuration.ts';
import { formatByteSize } from '../../contract/values/byte-size.ts';
import { formatDuration } from '../../contract/values/duration.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns the differences between two values of the same kind, leaf by leaf. Only the names of fields matter (`...Ms` is a time, `...Size` is bytes,
 * the content of `probe` and `run` belongs to the check or command itself), so that a new setting needs no line here.
 */
export function settingChanges(before: object, after: object): SettingChange[] {
  return isSame(before, after) ? [] : changesWithin(before as Fields, after as Fields, '');
}

/** Deep, for plain values: several times as fast as Node's, and thousands of reals are compared at each reload. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!hasFields(a) || !hasFields(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  for (const name in a) if (!isSame(a[name], b[name])) return false;
  for (const name in b) if (b[name] !== undefined && a[name] === undefined) return false;
  return true;
}

function changesWithin(before: Fields, after: Fields, prefix: string): SettingChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => !isSame(before[name], after[name]))
    .flatMap((name) => changesOf({ name, from: before[name], to: after[name] }, prefix));
}

function changesOf(
  { name, from, to }: { readonly name: string; readonly from: unknown; readonly to: unknown },
  prefix: string,
): SettingChange[] {
  if (WITHOUT_NAME.has(name)) return changesWithin(fieldsOf(from), fieldsOf(to), prefix);
  if (isMapping(from) && isMapping(to)) return changesWithin(from, to, `${prefix}${name}.`);
  const [one, other] = [onlyOf(from), onlyOf(to)];
  if (isMapping(one) && isMapping(other))
    return changesOf({ name: SINGULARS[name] ?? name, from: one, to: other }, prefix);
  const path = prefix + name;
  if (SECRETS.has(name)) {
    const shown = (value: unknown): string | null => (value === undefined ? null : NOT_SHOWN);
    return [{ setting: path, from: shown(from), to: shown(to) }];
  }
  return [{ setting: prefix + wordOf(path), from: textOf(from, path), to: textOf(to, path) }];
}

/** Settings whose values are left out of a difference: with the hash seed one can aim at a real server. */
const SECRETS: ReadonlySet<string> = new Set(['hashSeed']);
const NOT_SHOWN = '(not shown)';

/** Fields that a file has no word for: what they hold stands beside them there. */
const WITHOUT_NAME: ReadonlySet<string> = new Set(['probe', 'run']);

/** The words of a file where they differ from the field's name. */
const WORDS: Readonly<Record<string, string>> = {
  'timeouts.establishedMs': 'tcp',
  'timeouts.finWaitMs': 'tcpFin',
  'persistence.prefixLength': 'prefix',
};

/** The words of a file for a list of one. */
const SINGULARS: Readonly<Record<string, string>> = { checks: 'check' };

function wordOf(path: string): string {
  const name = path.slice(path.lastIndexOf('.') + 1);
  return WORDS[path] ?? (name.endsWith('Ms') ? name.slice(0, -2) : name);
}

function textOf(value: unknown, path: string): string | null {
  if (value === undefined) return null;
  if (/(?:^|\.)(?:address|vip)$/.test(path) && typeof value !== 'string') return formatIp(value as IpAddress);
  if (typeof value === 'number' && path.endsWith('Ms')) return formatDuration(value);
  if (typeof value === 'number' && path.endsWith('Size')) return formatByteSize(value);
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, '')).join(', ')}]`;
  if (!isMapping(value)) return typeof value === 'string' ? value : JSON.stringify(value);
  const known = entriesOf(value).filter(([, inner]) => inner !== undefined);
  const text = ([name, inner]: [string, unknown]): string => {
    const of = `${path}.${name}`;
    return `${wordOf(of)}: ${textOf(inner, of)}`;
  };
  return `{${known.map(text).join(', ')}}`;
}

function entriesOf(value: Fields): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]): [string, unknown][] =>
    WITHOUT_NAME.has(name) ? entriesOf(fieldsOf(inner)) : [[name, inner]],
  );
}

function fieldsOf(value: unknown): Fields {
  return isMapping(value) ? value : {};
}

function onlyOf(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : undefined;
}

function hasFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isMapping(value: unknown): value is Fields {
  return hasFields(value) && !Array.isArray(value);
}
