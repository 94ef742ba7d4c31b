// Merges the checks of all levels, and gives each option its default.
import type { CheckConfig } from '../../contract/checks/check-config.ts';
import {
  checkShape,
  urlShape,
  type WrittenCheck,
  type WrittenCheckInList,
  type WrittenCheckOptions,
  type WrittenRegex,
  type WrittenUrl,
} from '../../contract/checks/check-contract.ts';
import type { CheckSource } from '../../contract/checks/check-source.ts';
import type {
  BfdProbeConfig,
  HttpProbeConfig,
  HttpRegexConfig,
  HttpUrlConfig,
  ProbeConfig,
} from '../../contract/checks/probe-config.ts';
import { regexFlags } from '../../contract/checks/regex-options.ts';
import { type Filled, fill } from '../../contract/option.ts';
import { formatIp, ip } from '../../net/address/ip-address.ts';

const MAX_TTL = 255;

/** The checks of one level: one of the two keys, or none. */
export interface CheckLevel {
  readonly check?: WrittenCheck | undefined;
  readonly checks?: readonly WrittenCheckInList[] | undefined;
}

export function saysOfChecks({ check, checks }: CheckLevel): boolean {
  return check !== undefined || checks !== undefined;
}

/** The result of merging the levels so far. */
interface Merged {
  readonly single: WrittenCheckOptions;
  /** The written list of checks; undefined if `single` is the check. */
  readonly list: readonly WrittenCheckOptions[] | undefined;
  readonly checked: boolean;
}

/**
 * From the outermost level to the innermost. A `check` overrides single values of all checks around it, and replaces a
 * list when it names a type; `none` holds until a level below asks again. A list begins from the single values around it.
 */
export function mergeChecks(levels: readonly CheckLevel[]): readonly CheckConfig[] {
  const { single, list, checked } = levels.reduce<Merged>(mergeLevel, {
    single: {},
    list: undefined,
    checked: true,
  });
  return checked ? (list ?? [single]).map(fillInCheck) : [];
}

function mergeLevel(around: Merged, { check, checks }: CheckLevel): Merged {
  if (checks !== undefined) {
    const list = checks.map((item) => mergeOptions(around.single, optionsOf(item)));
    return { ...around, list, checked: true };
  }
  if (check === undefined) return around;
  if (check === 'none') return { ...around, checked: false };
  const options = optionsOf(check);
  const list = options.type === undefined ? around.list : undefined;
  return {
    single: mergeOptions(around.single, options),
    list: list?.map((item) => mergeOptions(item, options)),
    checked: true,
  };
}

function optionsOf(check: WrittenCheckInList): WrittenCheckOptions {
  return typeof check === 'string' ? { type: check } : check;
}

function mergeOptions(around: WrittenCheckOptions, options: WrittenCheckOptions): WrittenCheckOptions {
  const merged = { ...around, ...options };
  // The two are one setting in two forms.
  if (options.command !== undefined) merged.shell = undefined;
  else if (options.shell !== undefined) merged.command = undefined;
  return merged;
}

type FilledCheck = Filled<typeof checkShape>;

function fillInCheck(written: WrittenCheckOptions): CheckConfig {
  const filled = fill(checkShape, written);
  const { retries, alpha, logAllFailures, via } = filled;
  return {
    probe: fillInProbe(written, filled),
    intervalMs: filled.interval,
    timeoutMs: filled.timeout,
    retries,
    retryDelayMs: filled.retryDelay,
    warmupMs: written.warmup,
    alpha,
    logAllFailures,
    via,
    port: written.port,
    address: written.address === undefined ? undefined : ip(written.address),
    from: fillInSource(written),
  };
}

function fillInSource({ bind = {}, mark }: WrittenCheckOptions): CheckSource | undefined {
  const { address, port, interface: name } = bind;
  const source: CheckSource = {
    ...(address === undefined ? {} : { address: ip(address) }),
    ...(port === undefined ? {} : { port }),
    ...(name === undefined ? {} : { interface: name }),
    ...(mark === undefined ? {} : { mark }),
  };
  return Object.keys(source).length === 0 ? undefined : source;
}

function fillInProbe(written: WrittenCheckOptions, filled: FilledCheck): ProbeConfig {
  const { type } = filled;
  switch (type) {
    case 'tcp':
    case 'ping':
      return { type };
    case 'http':
    case 'https':
      return fillInHttp(type, written, filled);
    case 'smtp':
      return { type, helo: written.helo };
    case 'dns':
      // The root is the question of nobody in particular: a server that is no resolver refuses it.
      return {
        type,
        queryType: filled.queryType,
        queryName: written.queryName ?? '.',
        acceptsRefusal: written.queryName === undefined,
      };
    case 'udp': {
      const { minReplyLength, maxReplyLength } = filled;
      return { type, payload: written.payload, reply: written.reply, minReplyLength, maxReplyLength };
    }
    case 'misc': {
      const { command = [], shell, user } = written;
      return { type, run: shell === undefined ? { command } : { shell }, dynamic: filled.dynamic, user };
    }
    case 'bfd':
      return fillInBfd(written, filled);
    default:
      return { type, file: written.file ?? '', weight: filled.weight, reverse: filled.reverse };
  }
}

function fillInBfd({ neighbor, source, maxHops }: WrittenCheckOptions, filled: FilledCheck): BfdProbeConfig {
  const { minTx, minRx, idleTx, multiplier, passive, multihop, ttl } = filled;
  return {
    type: 'bfd',
    neighbor: neighbor === undefined ? undefined : formatIp(ip(neighbor)),
    source: source === undefined ? undefined : formatIp(ip(source)),
    minTxMs: minTx,
    minRxMs: minRx,
    idleTxMs: idleTx,
    multiplier,
    passive,
    multihop,
    ttl,
    maxHops: maxHops ?? (multihop ? MAX_TTL : 0),
  };
}

function fillInHttp(
  type: 'http' | 'https',
  written: WrittenCheckOptions,
  { rotate, fastRecovery, httpVersion, tlsVerify }: FilledCheck,
): HttpProbeConfig {
  return {
    type,
    urls: (written.urls ?? [{}]).map(fillInUrl),
    rotate,
    fastRecovery,
    httpVersion,
    virtualHost: written.virtualHost,
    sni: written.sni,
    tlsVerify,
    tlsCaFile: written.tlsCaFile,
  };
}

function fillInUrl(written: WrittenUrl): HttpUrlConfig {
  const { regex } = written;
  return {
    ...fill(urlShape, written),
    virtualHost: written.virtualHost,
    digest: written.digest?.toLowerCase(),
    regex:
      regex === undefined ? undefined : fillInRegex(typeof regex === 'string' ? { pattern: regex } : regex),
  };
}

function fillInRegex(written: WrittenRegex): HttpRegexConfig {
  return {
    pattern: written.pattern,
    flags: regexFlags(written.flags ?? '', written.options ?? []),
    firstLine: written.options?.includes('firstline') ?? false,
    mustNotMatch: written.mustNotMatch ?? false,
    minOffset: written.minOffset ?? 0,
    maxOffset: written.maxOffset ?? Number.MAX_SAFE_INTEGER,
  };
}
