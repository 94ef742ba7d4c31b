import { CHECK_TYPES, NOT_SIMULATED, TYPES_OF_OPTION } from './check-options.ts';
import type { ConfigIssue } from './issue.ts';
import type { CheckType } from './probe-config.ts';
import { field, type RawCheck } from './raw-config.ts';

/** Of the levels down to this one. */
interface Merged {
  readonly type: CheckType;
  readonly hasCommand: boolean;
  readonly hasFile: boolean;
  readonly hasPort: boolean;
}

const NOTHING: Merged = { type: 'tcp', hasCommand: false, hasFile: false, hasPort: false };

/** Those that connect to nothing. */
const WITHOUT_PORT: readonly CheckType[] = ['ping', 'misc', 'file', 'bfd'];

/**
 * Options of one level that are not for its type of check.
 * @param outer The levels around it, the outermost first.
 */
export function optionFaults(level: RawCheck, outer: readonly RawCheck[]): ConfigIssue[] {
  return [...foreignOptions(level, mergeAll([...outer, level])), ...twoCommands(level)];
}

export interface CheckedService {
  readonly plane: 'xdp' | 'simulated';
  /** There is no port of the service to check. */
  readonly allPorts: boolean;
}

/**
 * What is wrong with the check that all levels of a real come to, told at the innermost that says something.
 * @param levels the service itself is the first
 */
export function wholeCheckFaults(
  levels: readonly RawCheck[],
  { plane, allPorts }: CheckedService,
): ConfigIssue[] {
  const innermost = levels.findLast(({ value }) => value !== undefined) ?? levels[0];
  if (innermost === undefined || innermost.value === 'none') return [];
  const merged = mergeAll(levels);
  return [
    ...missing(innermost, merged),
    ...(allPorts ? missingPort(innermost, merged) : []),
    ...notSimulated(innermost, merged, plane),
  ];
}

function mergeAll(levels: readonly RawCheck[]): Merged {
  return levels.reduce((around, { value }) => merge(around, value), NOTHING);
}

function merge(around: Merged, value: unknown): Merged {
  const has = (key: string): boolean => field(value, key) !== undefined;
  const written = typeof value === 'string' ? value : field(value, 'type');
  return {
    type: CHECK_TYPES.find((type) => type === written) ?? around.type,
    hasCommand: around.hasCommand || has('command') || has('shell'),
    hasFile: around.hasFile || has('file'),
    hasPort: around.hasPort || has('port'),
  };
}

function foreignOptions({ path, value }: RawCheck, { type }: Merged): ConfigIssue[] {
  return Object.entries(TYPES_OF_OPTION)
    .filter(([option, types]) => field(value, option) !== undefined && !types.includes(type))
    .map(([option, types]) => ({
      path: [...path, option],
      atKey: true,
      message: `${option} is for checks of type ${types.join(' or ')}, this one's is ${type}; allowed: to leave it out`,
    }));
}

function twoCommands({ path, value }: RawCheck): ConfigIssue[] {
  if (field(value, 'command') === undefined || field(value, 'shell') === undefined) return [];
  return [
    { path: [...path, 'shell'], atKey: true, message: 'found shell beside command; allowed: one of them' },
  ];
}

function missing({ path }: RawCheck, { type, hasCommand, hasFile }: Merged): ConfigIssue[] {
  if (type === 'misc' && !hasCommand) {
    const message =
      'command is missing; allowed: a list of the program and its arguments, or shell with a line';
    return [{ path, message }];
  }
  if (type !== 'file' || hasFile) return [];
  return [{ path, message: 'file is missing; allowed: the absolute path of the file to read' }];
}

function missingPort({ path }: RawCheck, { type, hasPort }: Merged): ConfigIssue[] {
  if (hasPort || WITHOUT_PORT.includes(type)) return [];
  const message =
    'a service of all ports has none that could be checked; allowed: check with its port, or check: none';
  return [{ path, message }];
}

function notSimulated(
  { path, value }: RawCheck,
  { type }: Merged,
  plane: 'xdp' | 'simulated',
): ConfigIssue[] {
  if (plane !== 'simulated' || !NOT_SIMULATED.includes(type)) return [];
  const place = field(value, 'type') === undefined ? path : [...path, 'type'];
  const allowed = CHECK_TYPES.filter((one) => !NOT_SIMULATED.includes(one)).join(', ');
  const message = `found ${type}, which the simulated network has no server for; allowed: one of none, ${allowed}`;
  return [{ path: place, message }];
}
