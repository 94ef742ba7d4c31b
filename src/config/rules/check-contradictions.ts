// Contradictions within checks, and between the levels that they are merged from.
import {
  CHECK_TYPES,
  DIRECT_OPTIONS,
  NOT_SIMULATED,
  TYPES_OF_OPTION,
} from '../../contract/checks/check-options.ts';
import type { CheckType } from '../../contract/checks/probe-config.ts';
import { familyOf, formatIp, type IpAddress, parseIp } from '../../net/address/ip-address.ts';
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { twoCommands } from './command-contradictions.ts';
import { field, type RawCheck, type RawChecks } from './raw-config.ts';

/** A check merged from the levels down to one of them. */
interface Merged {
  /** The innermost level that sets something of it. */
  readonly path: IssuePath;
  readonly type: CheckType;
  /** The path of the type, if it is written by itself. */
  readonly typePath: IssuePath;
  readonly hasCommand: boolean;
  readonly hasFile: boolean;
  readonly hasPort: boolean;
  readonly isDirect: boolean;
  /** The paths of the DIRECT_OPTIONS that it has. */
  readonly directOptions: readonly IssuePath[];
  readonly addresses: Addresses;
}

/** Options that are, or have, an address: where from, and where to instead of to the real. */
const ADDRESSES = {
  address: ['address'],
  bind: ['bind', 'address'],
  neighbor: ['neighbor'],
  source: ['source'],
} as const;

type Addresses = {
  readonly [option in keyof typeof ADDRESSES]?: {
    readonly path: IssuePath;
    /** The address; undefined if `bind` has none, or an invalid one. */
    readonly address: IpAddress | undefined;
  };
};

/** The same state as in `mergeChecks` of `fill-in-check.ts`. */
interface MergedLevels {
  readonly single: Merged;
  readonly list: readonly Merged[] | undefined;
  readonly checked: boolean;
}

/** Types of checks that do not connect to a port. */
const WITHOUT_PORT: readonly CheckType[] = ['ping', 'misc', 'file', 'bfd'];

/**
 * Options of one level that are not for its types of checks, and settings that exclude each other.
 * @param outer The levels around it, the outermost first.
 */
export function levelFaults(level: RawChecks, outer: readonly RawChecks[]): ConfigIssue[] {
  const around = mergeAll(outer, []);
  const { check, checks } = level;
  if (check !== undefined && checks !== undefined) {
    const message = 'found checks next to check; allowed: only one of them';
    return [{ path: [...level.path, 'checks'], atKey: true, message }];
  }
  const single = check === undefined ? [] : checkFaults(check, checksOf(mergeLevel(around, level)));
  const listed = (checks ?? []).flatMap((one) => checkFaults(one, [merge(around.single, one)]));
  return [...single, ...listed];
}

function checkFaults(check: RawCheck, merged: readonly Merged[]): ConfigIssue[] {
  const types = [...new Set(merged.map(({ type }) => type))];
  return [...foreignOptions(check, types), ...twoCommands(check.path, check.value)];
}

export interface CheckedService {
  readonly path: IssuePath;
  readonly plane: 'xdp' | 'simulated';
  /** There is no port of the service to check. */
  readonly allPorts: boolean;
}

/**
 * Returns faults of the checks that result from all levels of a real, at the innermost level that sets something.
 * @param real The real's address, where it is one.
 */
export function wholeCheckFaults(
  levels: readonly RawChecks[],
  service: CheckedService,
  real: IpAddress | undefined,
): ConfigIssue[] {
  return checksOf(mergeAll(levels, service.path)).flatMap((merged) => [
    ...missing(merged),
    ...notDirect(merged),
    ...otherFamily(merged, real),
    ...(service.allPorts ? missingPort(merged) : []),
    ...(service.plane === 'simulated' ? notSimulated(merged) : []),
  ]);
}

function checksOf({ single, list, checked }: MergedLevels): readonly Merged[] {
  return checked ? (list ?? [single]) : [];
}

function mergeAll(levels: readonly RawChecks[], path: IssuePath): MergedLevels {
  const single: Merged = {
    path,
    type: 'tcp',
    typePath: path,
    hasCommand: false,
    hasFile: false,
    hasPort: false,
    isDirect: false,
    directOptions: [],
    addresses: {},
  };
  return levels.reduce<MergedLevels>(mergeLevel, { single, list: undefined, checked: true });
}

function mergeLevel(around: MergedLevels, { check, checks }: RawChecks): MergedLevels {
  if (checks !== undefined) {
    return { ...around, list: checks.map((one) => merge(around.single, one)), checked: true };
  }
  if (check === undefined) return around;
  if (check.value === 'none') return { ...around, checked: false };
  const single = merge(around.single, check);
  const list = typeOf(check) === undefined ? around.list?.map((one) => merge(one, check)) : undefined;
  return { single, list, checked: true };
}

function typeOf({ value }: RawCheck): unknown {
  return typeof value === 'string' ? value : field(value, 'type');
}

function merge(around: Merged, check: RawCheck): Merged {
  const { path, value } = check;
  const has = (key: string): boolean => field(value, key) !== undefined;
  return {
    path,
    type: CHECK_TYPES.find((type) => type === typeOf(check)) ?? around.type,
    typePath: has('type') ? [...path, 'type'] : path,
    hasCommand: around.hasCommand || has('command') || has('shell'),
    hasFile: around.hasFile || has('file'),
    hasPort: around.hasPort || has('port'),
    isDirect: has('via') ? field(value, 'via') === 'direct' : around.isDirect,
    directOptions: [...around.directOptions, ...DIRECT_OPTIONS.filter(has).map((name) => [...path, name])],
    addresses: { ...around.addresses, ...addressesOf(check) },
  };
}

function addressesOf({ path, value }: RawCheck): Addresses {
  const said = Object.entries(ADDRESSES).filter(([option]) => field(value, option) !== undefined);
  return Object.fromEntries(
    said.map(([option, names]) => {
      const found = names.reduce<unknown>((inner, name) => field(inner, name), value);
      const address = typeof found === 'string' ? parseIp(found) : undefined;
      return [option, { path: [...path, ...names], address }];
    }),
  );
}

/** @param found The types that the options are merged into; none where nothing is checked. */
function foreignOptions({ path, value }: RawCheck, found: readonly CheckType[]): ConfigIssue[] {
  if (found.length === 0) return [];
  return Object.entries(TYPES_OF_OPTION)
    .filter(
      ([option, types]) => field(value, option) !== undefined && !found.some((type) => types.includes(type)),
    )
    .map(([option, types]) => ({
      path: [...path, option],
      atKey: true,
      message: `${option} is for checks of type ${types.join(' or ')}, but the type here is ${found.join(' or ')}; fix: remove this key`,
    }));
}

function missing({ path, type, hasCommand, hasFile }: Merged): ConfigIssue[] {
  if (type === 'misc' && !hasCommand) {
    const message =
      'command is missing; allowed: a list of the program and its arguments, or shell with a line';
    return [{ path, message }];
  }
  if (type !== 'file' || hasFile) return [];
  return [{ path, message: 'file is missing; allowed: the absolute path of the file to read' }];
}

function notDirect({ isDirect, directOptions }: Merged): ConfigIssue[] {
  if (isDirect) return [];
  return directOptions.map((path) => ({
    path,
    atKey: true,
    message: `${path.at(-1)} is only for checks that do not go through the tunnel; fix: add via: direct, or remove this key`,
  }));
}

function otherFamily({ type, isDirect, addresses }: Merged, real: IpAddress | undefined): ConfigIssue[] {
  const { address, bind, neighbor, source } = addresses;
  const binds = isDirect && TYPES_OF_OPTION['bind']?.includes(type);
  const [from, to] = type === 'bfd' ? [source, neighbor] : [binds ? bind : undefined, address];
  const target = to === undefined ? real : to.address;
  if (from?.address === undefined || target === undefined) return [];
  if (familyOf(from.address) === familyOf(target)) return [];
  const message = `found ${formatIp(from.address)}, which cannot reach ${formatIp(target)}; allowed: an IPv${familyOf(target)} address of this machine`;
  return [{ path: from.path, message }];
}

function missingPort({ path, type, hasPort }: Merged): ConfigIssue[] {
  if (hasPort || WITHOUT_PORT.includes(type)) return [];
  const message = 'a service of all ports has no port to check; fix: give check a port, or set check: none';
  return [{ path, message }];
}

function notSimulated({ typePath, type, directOptions }: Merged): ConfigIssue[] {
  const own = directOptions.filter((path) => path.at(-1) !== 'address');
  if (own.length > 0) {
    const message = 'the simulated network has only one interface; fix: remove this key';
    return own.map((path) => ({ path, atKey: true, message }));
  }
  if (!NOT_SIMULATED.includes(type)) return [];
  const allowed = CHECK_TYPES.filter((one) => !NOT_SIMULATED.includes(one)).join(', ');
  const message = `found ${type}, which the simulated network does not support; allowed: one of none, ${allowed}`;
  return [{ path: typePath, message }];
}
