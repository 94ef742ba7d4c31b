// Reads `bfd_instance` blocks, and the checks that go by them.
import { formatDuration } from '../../../contract/values/duration.ts';
import { parseIp } from '../../../net/address/ip-address.ts';
import { describeFound } from '../../validate/issue.ts';
import type { Findings } from '../text/place.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from '../text/statement.ts';
import { flag, number, text, toggle, within, word } from '../values/keywords.ts';
import type { Settings } from '../values/plain-settings.ts';
import {
  blockOf,
  IGNORED,
  ignore,
  type Keyword,
  type Keywords,
  readLevel,
  required,
  type Setting,
  signedNumber,
} from '../values/read-values.ts';
import type { BfdInstance, BfdInstances } from './bfd-settings.ts';
import { tellLeftOut } from './culvert-check-settings.ts';
import type { CheckContext, CheckOptions, LeftOutContext, ReadCheck } from './read-check.ts';

/** Microseconds have to fit 32 bits (bfd.h). */
const MOST_MS = 4_294_967;
const MAX_TTL = 255;
const LONGEST_NAME = 31;
/** bfd.h of 2.2.7. */
const DEFAULTS = { interval: '10ms', idleTx: '1s', multiplier: 5, hopLimit: 64 } as const;
const ADDRESS = 'the IP address of the neighbor';

export const INSTANCE_KEYWORDS: Keywords<BfdInstance> = {
  neighbor_ip: text('neighbor', ADDRESS),
  neighbour_ip: text('neighbor', ADDRESS),
  source_ip: text('source', 'an IP address of this machine'),
  min_rx: milliseconds('minRx', 1),
  min_tx: milliseconds('minTx', 1),
  idle_tx: milliseconds('idleTx', 1000),
  multiplier: number('multiplier', { from: 1, to: 255 }, { lenient: false }),
  passive: { ...flag('passive'), parameters: Number.POSITIVE_INFINITY },
  ttl: number('ttl', { from: 1, to: MAX_TTL }, { lenient: false }),
  hoplimit: number('ttl', { from: 1, to: MAX_TTL }, { lenient: false }),
  max_hops: word('maxHops', `a whole number from -1 to ${MAX_TTL}`, readHops),
  weight: ignore('it is for VRRP'),
  vrrp: flag('vrrp'),
  checker: flag('checker'),
};

export const BFD_CHECK_KEYWORDS: Keywords<ReadCheck> = within<'options', CheckOptions>('options', {
  name: text('bfdInstance', 'the name of a bfd_instance', 'ignored'),
  alpha: toggle('alpha'),
});

/** Reads milliseconds with a decimal fraction, which culvert rounds to whole milliseconds. */
function milliseconds<Name extends 'minRx' | 'minTx' | 'idleTx'>(
  name: Name,
  least: number,
): Keyword<{ [name in Name]?: Setting<string> | undefined }> {
  return word(name, `milliseconds, from ${least} to ${MOST_MS}`, (found) => {
    const value = /^\+?\d{1,7}(?:\.\d{1,9})?$/.test(found) ? Number(found) : Number.NaN;
    return value >= least && value <= MOST_MS ? formatDuration(Math.round(value)) : undefined;
  });
}

/** -1 is as 255: any number. */
function readHops(found: string): number | undefined {
  const value = signedNumber(found, MAX_TTL);
  if (value === -1) return MAX_TTL;
  return value !== undefined && value >= 0 ? value : undefined;
}

/** Returns the instances that checks may use, by name. */
export function readBfdInstances(statements: readonly Statement[], findings: Findings): BfdInstances {
  const instances = new Map<string, BfdInstance>();
  const names = new Set<string>();
  const wanted = new Set(namesInChecks(statements));
  for (const statement of statements) {
    if (keywordOf(statement) !== 'bfd_instance') continue;
    const name = readName(statement, names, findings);
    const target: BfdInstance = {};
    const level = 'in bfd_instance';
    readLevel(blockOf(statement), { keywords: INSTANCE_KEYWORDS, target, level }, findings);
    const isUsable = hasNeighbor(statement, target, findings);
    if (name === undefined) continue;
    names.add(name);
    if (!isUsable) continue;
    if (target.vrrp === undefined || target.checker !== undefined) instances.set(name, target);
    if (!wanted.has(name))
      findings.warn(placeOf(statement), 'bfd_instance is not used: no check refers to it');
  }
  return instances;
}

/** Warns of instances that no check uses: they are for VRRP. */
function namesInChecks(statements: readonly Statement[]): string[] {
  return statements.flatMap((statement) => {
    const { body = [] } = statement;
    if (keywordOf(statement) !== 'BFD_CHECK') return namesInChecks(body);
    const named = body.filter((inner) => keywordOf(inner) === 'name');
    return named.flatMap((inner) => parametersOf(inner).map((found) => found.text));
  });
}

function readName(statement: Statement, names: ReadonlySet<string>, findings: Findings): string | undefined {
  const allowed = `a unique name of at most ${LONGEST_NAME} characters`;
  const name = required(statement, allowed, findings);
  if (name === undefined) return undefined;
  if (name.text.length <= LONGEST_NAME && !names.has(name.text)) return name.text;
  findings.complain(name.place, `bfd_instance: found '${name.text}'; allowed: ${allowed}; ${IGNORED}`);
  return undefined;
}

/** keepalived disables an instance without a neighbor, and ignores a source that is no address. */
function hasNeighbor(statement: Statement, instance: BfdInstance, findings: Findings): boolean {
  const { neighbor, source } = instance;
  const disabled = 'the instance is skipped, as in keepalived';
  if (source !== undefined && parseIp(source.value) === undefined) {
    const { place, keyword } = source.origin;
    findings.complain(place, `${keyword}: found '${source.value}'; allowed: an IP address; ${IGNORED}`);
    instance.source = undefined;
  }
  if (neighbor !== undefined && parseIp(neighbor.value) !== undefined) return true;
  const { place, keyword } = neighbor?.origin ?? { place: placeOf(statement), keyword: 'bfd_instance' };
  const found = neighbor === undefined ? 'the neighbor is missing' : `found '${neighbor.value}'`;
  findings.complain(place, `${keyword}: ${found}; allowed: neighbor_ip ADDRESS; ${disabled}`);
  return false;
}

export function lacksInstance(check: ReadCheck, { bfdInstances, findings }: LeftOutContext): boolean {
  const { bfdInstance: name } = check.options;
  if (name !== undefined && bfdInstances.has(name.value)) return false;
  const known = [...bfdInstances.keys()].join(', ') || 'none is defined';
  const allowed = `the name of a bfd_instance for checks (${known})`;
  tellLeftOut(name?.origin ?? check.origin, {
    what: `found ${describeFound(name?.value)}`,
    allowed,
    findings,
  });
  return true;
}

/** Returns the settings of the instance that the check names, with keepalived's defaults written out. */
export function bfdSettings(check: ReadCheck, { bfdInstances, around }: CheckContext): Settings {
  const { origin, options } = check;
  const { bfdInstance: name, alpha = around.alpha } = options;
  const instance = bfdInstances.get(name?.value ?? '') ?? {};
  const standard = <Value>(value: Value): Setting<Value> => ({ value, origin });
  const isIpv6 = instance.neighbor?.value.includes(':') === true;
  return {
    neighbor: instance.neighbor,
    source: instance.source,
    minTx: instance.minTx ?? standard(DEFAULTS.interval),
    minRx: instance.minRx ?? standard(DEFAULTS.interval),
    idleTx: instance.idleTx ?? standard(DEFAULTS.idleTx),
    multiplier: instance.multiplier ?? standard(DEFAULTS.multiplier),
    passive: instance.passive,
    ttl: instance.ttl ?? (isIpv6 ? standard(DEFAULTS.hopLimit) : undefined),
    maxHops: instance.maxHops,
    alpha,
  };
}
