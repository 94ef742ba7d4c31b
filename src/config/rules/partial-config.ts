// The configuration that rules read: its parts with their paths, in which values may be missing or wrong.
import type { z } from 'zod';
import type { CheckType } from '../../contract/checks/probe-config.ts';
import type { configSchema } from '../../contract/config/config-schema.ts';
import type { realSchema } from '../../contract/config/real-contract.ts';
import { type serviceSchema, serviceShape } from '../../contract/config/service-contract.ts';
import { defaultOf } from '../../contract/option.ts';
import { portsOf } from '../../contract/values/port-list.ts';
import { type IpAddress, parseIp } from '../../net/address/ip-address.ts';
import type { IssuePath } from '../validate/issue.ts';

/** Takes the place of a value that is written, but wrong. */
export const WRONG: unique symbol = Symbol('wrong');
export type Wrong = typeof WRONG;

/** Values as they are written, each of which may be missing, or `WRONG`. */
type Partially<Value> = Value extends readonly (infer Item)[]
  ? readonly (Partially<Item> | Wrong)[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: Partially<Value[Key]> | Wrong }
    : Value;

type WrittenConfig = Partially<z.input<typeof configSchema>>;
export type ServiceOptions = Partially<z.input<typeof serviceSchema>>;
export type RealOptions = Partially<z.input<typeof realSchema>>;
export type DirectorOptions = Exclude<WrittenConfig['director'], Wrong | undefined>;
export type DefaultOptions = Exclude<WrittenConfig['defaults'], Wrong | undefined>;
type SorryOptions = Exclude<ServiceOptions['sorryServer'], Wrong | undefined>;
export type CheckOptions = Exclude<NonNullable<ServiceOptions['check']>, string | Wrong>;
export type TunnelOptions = ServiceOptions['tunnel'];
export type CommandOptions = Exclude<NonNullable<ServiceOptions['onUp']>, string | Wrong>;

export interface PartialConfig {
  /** The director; undefined where it is no mapping. */
  readonly director: DirectorOptions | undefined;
  readonly defaults: PartialLevel<DefaultOptions>;
  /** The services that are mappings, in their order. */
  readonly services: readonly PartialService[];
}

/** A part of the configuration that has options, and the checks among them. */
export interface PartialLevel<Options> {
  readonly path: IssuePath;
  readonly options: Options;
  readonly checks: PartialChecks;
}

export interface PartialService extends PartialLevel<ServiceOptions> {
  readonly vip: IpAddress | undefined;
  /** The protocol; undefined where it is wrong. */
  readonly protocol: NonNullable<Exclude<ServiceOptions['protocol'], Wrong>> | undefined;
  /** 0 for all. */
  readonly ports: readonly number[];
  readonly reals: readonly PartialReal[];
  readonly sorryServer: PartialHost<SorryOptions> | undefined;
}

export interface PartialHost<Options> {
  readonly path: IssuePath;
  readonly options: Options;
  readonly address: IpAddress | undefined;
}

export interface PartialReal extends PartialHost<RealOptions>, PartialLevel<RealOptions> {}

/** The checks at one level. */
export interface PartialChecks {
  readonly path: IssuePath;
  readonly check: PartialCheck | undefined;
  /** The list of checks, empty where it is wrong; undefined if the level has none. */
  readonly checks: readonly PartialCheck[] | undefined;
}

export interface PartialCheck {
  readonly path: IssuePath;
  readonly type: CheckType | 'none' | Wrong | undefined;
  /** The options; empty where only the type is written. */
  readonly options: CheckOptions;
}

/** @param wrong the paths of the values that the schema refuses */
export function partialConfig(value: unknown, wrong: readonly IssuePath[]): PartialConfig {
  const { director, defaults, services } = (valid(markWrong(value, wrong)) ?? {}) as WrittenConfig;
  return {
    director: valid(director),
    defaults: level(['defaults'], valid(defaults) ?? {}),
    services: itemsOf(services, ['services']).map(({ path, options }) => partialService(path, options)),
  };
}

/** Returns the value with `WRONG` at these paths; what has none of them in it is the same object. */
function markWrong(value: unknown, paths: readonly IssuePath[]): unknown {
  if (paths.length === 0) return value;
  if (paths.some((path) => path.length === 0)) return WRONG;
  const marked: Record<string | number, unknown> = { ...(value as object) };
  for (const [step, below] of Map.groupBy(paths, ([first]) => first as string | number)) {
    marked[step] = markWrong(
      marked[step],
      below.map((path) => path.slice(1)),
    );
  }
  return Array.isArray(value) ? Object.assign([...(value as unknown[])], marked) : marked;
}

function partialService(path: IssuePath, options: ServiceOptions): PartialService {
  const { protocol = defaultOf(serviceShape.protocol) } = options;
  const sorryServer = valid(options.sorryServer);
  return {
    ...level(path, options),
    vip: addressOf(options.vip),
    protocol: valid(protocol),
    ports: portsOf(options.port),
    reals: itemsOf(options.reals, [...path, 'reals']).map((real) => ({
      ...level(real.path, real.options),
      address: addressOf(real.options.address),
    })),
    sorryServer: sorryServer && {
      path: [...path, 'sorryServer'],
      options: sorryServer,
      address: addressOf(sorryServer.address),
    },
  };
}

function level<Options extends Pick<ServiceOptions, 'check' | 'checks'>>(
  path: IssuePath,
  options: Options,
): PartialLevel<Options> {
  return { path, options, checks: partialChecks(path, options) };
}

function partialChecks(
  path: IssuePath,
  { check, checks }: Pick<ServiceOptions, 'check' | 'checks'>,
): PartialChecks {
  return {
    path,
    check: check === undefined ? undefined : partialCheck([...path, 'check'], check),
    checks: (checks === WRONG ? [] : checks)?.map((one, index) =>
      partialCheck([...path, 'checks', index], one),
    ),
  };
}

function partialCheck(path: IssuePath, check: CheckType | 'none' | CheckOptions | Wrong): PartialCheck {
  return typeof check === 'object'
    ? { path, type: check.type, options: check }
    : { path, type: check, options: {} };
}

/** The items that are mappings, with their paths. */
function itemsOf<Item extends object>(
  list: readonly (Item | Wrong)[] | Wrong | undefined,
  path: IssuePath,
): { path: IssuePath; options: Item }[] {
  return (valid(list) ?? []).flatMap((item, index) =>
    item === WRONG ? [] : [{ path: [...path, index], options: item }],
  );
}

function addressOf(text: string | Wrong | undefined): IpAddress | undefined {
  return text === undefined || text === WRONG ? undefined : parseIp(text);
}

function valid<Value>(value: Value | Wrong | undefined): Value | undefined {
  return value === WRONG ? undefined : value;
}
