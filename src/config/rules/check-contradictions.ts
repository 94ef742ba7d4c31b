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
import type {
  CheckOptions,
  PartialCheck,
  PartialChecks,
  PartialConfig,
  PartialReal,
  PartialService,
} from './partial-config.ts';

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

/** The targets that replace the real, and the sources. */
type Addresses = {
  readonly [Option in 'address' | 'neighbor' | 'bind' | 'source']?: {
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

/** Returns contradictions within the checks of each level, and in the checks that result from all levels of a real. */
export function checkFaults({ director, defaults, services }: PartialConfig): ConfigIssue[] {
  const plane = director?.plane === 'simulated' ? 'simulated' : 'xdp';
  return [
    ...levelFaults(defaults.checks, []),
    ...services.flatMap((service) => [
      ...levelFaults(service.checks, [defaults.checks]),
      ...service.reals.flatMap((real) => [
        ...levelFaults(real.checks, [defaults.checks, service.checks]),
        ...wholeCheckFaults([defaults.checks, service.checks, real.checks], { service, plane, real }),
      ]),
    ]),
  ];
}

/**
 * Options of one level that are not for its types of checks, and settings that exclude each other.
 * @param outer The levels around it, the outermost first.
 */
function levelFaults(level: PartialChecks, outer: readonly PartialChecks[]): ConfigIssue[] {
  const around = mergeAll(outer, []);
  const { check, checks } = level;
  if (check !== undefined && checks !== undefined) {
    const message = 'found checks next to check; allowed: only one of them';
    return [{ path: [...level.path, 'checks'], atKey: true, message }];
  }
  const single = check === undefined ? [] : ownFaults(check, checksOf(mergeLevel(around, level)));
  const listed = (checks ?? []).flatMap((one) => ownFaults(one, [merge(around.single, one)]));
  return [...single, ...listed];
}

function ownFaults(check: PartialCheck, merged: readonly Merged[]): ConfigIssue[] {
  const types = [...new Set(merged.map(({ type }) => type))];
  return [...foreignOptions(check, types), ...twoCommands(check.path, check.options)];
}

interface CheckedReal {
  readonly service: PartialService;
  readonly plane: 'xdp' | 'simulated';
  readonly real: PartialReal;
}

/** Returns faults of the checks that result from all levels of a real, at the innermost level that sets something. */
function wholeCheckFaults(
  levels: readonly PartialChecks[],
  { service, plane, real }: CheckedReal,
): ConfigIssue[] {
  // The defaults alone do not have a service checked that speaks no TCP.
  if (service.protocol !== 'tcp' && !levels.slice(1).some(saysSomething)) return [];
  // There is no port of the service to check.
  const allPorts = service.ports[0] === 0;
  return checksOf(mergeAll(levels, service.path)).flatMap((merged) => [
    ...missing(merged),
    ...notDirect(merged),
    ...otherFamily(merged, real.address),
    ...(allPorts ? missingPort(merged) : []),
    ...(plane === 'simulated' ? notSimulated(merged) : []),
  ]);
}

function saysSomething({ check, checks }: PartialChecks): boolean {
  return check !== undefined || checks !== undefined;
}

function checksOf({ single, list, checked }: MergedLevels): readonly Merged[] {
  return checked ? (list ?? [single]) : [];
}

function mergeAll(levels: readonly PartialChecks[], path: IssuePath): MergedLevels {
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

function mergeLevel(around: MergedLevels, { check, checks }: PartialChecks): MergedLevels {
  if (checks !== undefined) {
    return { ...around, list: checks.map((one) => merge(around.single, one)), checked: true };
  }
  if (check === undefined) return around;
  if (check.type === 'none') return { ...around, checked: false };
  const single = merge(around.single, check);
  const list = check.type === undefined ? around.list?.map((one) => merge(one, check)) : undefined;
  return { single, list, checked: true };
}

function merge(around: Merged, check: PartialCheck): Merged {
  const { path, options } = check;
  const has = (name: keyof CheckOptions): boolean => options[name] !== undefined;
  return {
    path,
    type: CHECK_TYPES.find((type) => type === check.type) ?? around.type,
    typePath: has('type') ? [...path, 'type'] : path,
    hasCommand: around.hasCommand || has('command') || has('shell'),
    hasFile: around.hasFile || has('file'),
    hasPort: around.hasPort || has('port'),
    isDirect: has('via') ? options.via === 'direct' : around.isDirect,
    directOptions: [...around.directOptions, ...DIRECT_OPTIONS.filter(has).map((name) => [...path, name])],
    addresses: { ...around.addresses, ...addressesOf(check) },
  };
}

function addressesOf({ path, options }: PartialCheck): Addresses {
  const { address, neighbor, bind, source } = options;
  const written = {
    address: { names: ['address'], text: address },
    neighbor: { names: ['neighbor'], text: neighbor },
    bind: { names: ['bind', 'address'], text: typeof bind === 'object' ? bind.address : bind },
    source: { names: ['source'], text: source },
  };
  const said = Object.entries(written).filter(([option]) => options[option as keyof Addresses] !== undefined);
  return Object.fromEntries(
    said.map(([option, { names, text }]) => {
      const found = typeof text === 'string' ? parseIp(text) : undefined;
      return [option, { path: [...path, ...names], address: found }];
    }),
  );
}

/** @param found The types that the options are merged into; none where nothing is checked. */
function foreignOptions({ path, options }: PartialCheck, found: readonly CheckType[]): ConfigIssue[] {
  if (found.length === 0) return [];
  return Object.entries(TYPES_OF_OPTION)
    .filter(
      ([option, types]) =>
        options[option as keyof CheckOptions] !== undefined && !found.some((type) => types.includes(type)),
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
