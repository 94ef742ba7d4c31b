import type { CheckConfig } from '../../contract/checks/check-config.ts';
import type {
  WrittenCheck,
  WrittenCheckInList,
  WrittenCheckOptions,
  WrittenRegex,
  WrittenUrl,
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
import { formatIp, ip } from '../../net/address/ip-address.ts';

export const DEFAULT_CHECK: Omit<CheckConfig, 'probe'> = {
  intervalMs: 6000,
  timeoutMs: 3000,
  retries: 3,
  retryDelayMs: 3000,
  warmupMs: undefined,
  alpha: false,
  logAllFailures: false,
  via: 'tunnel',
  port: undefined,
  address: undefined,
  from: undefined,
};

const DEFAULT_STATUS = [{ from: 200, to: 299 }] as const;
const LONGEST_REPLY_BYTES = 65535;
const DEFAULT_BFD_INTERVAL_MS = 300;
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
  /** Undefined: `single` is the check. */
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

function fillInCheck(written: WrittenCheckOptions): CheckConfig {
  return {
    probe: fillInProbe(written),
    intervalMs: written.interval ?? DEFAULT_CHECK.intervalMs,
    timeoutMs: written.timeout ?? DEFAULT_CHECK.timeoutMs,
    retries: written.retries ?? DEFAULT_CHECK.retries,
    retryDelayMs: written.retryDelay ?? DEFAULT_CHECK.retryDelayMs,
    warmupMs: written.warmup,
    alpha: written.alpha ?? DEFAULT_CHECK.alpha,
    logAllFailures: written.logAllFailures ?? DEFAULT_CHECK.logAllFailures,
    via: written.via ?? DEFAULT_CHECK.via,
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

function fillInProbe(written: WrittenCheckOptions): ProbeConfig {
  const type = written.type ?? 'tcp';
  switch (type) {
    case 'tcp':
    case 'ping':
      return { type };
    case 'http':
    case 'https':
      return fillInHttp(type, written);
    case 'smtp':
      return { type, helo: written.helo };
    case 'dns':
      // The root is the question of nobody in particular: a server that is no resolver refuses it.
      return {
        type,
        queryType: written.queryType ?? 'SOA',
        queryName: written.queryName ?? '.',
        acceptsRefusal: written.queryName === undefined,
      };
    case 'udp':
      return {
        type,
        payload: written.payload,
        reply: written.reply,
        minReplyLength: written.minReplyLength ?? 0,
        maxReplyLength: written.maxReplyLength ?? LONGEST_REPLY_BYTES,
      };
    case 'misc': {
      const { command = [], shell, dynamic = false, user } = written;
      return { type, run: shell === undefined ? { command } : { shell }, dynamic, user };
    }
    case 'bfd':
      return fillInBfd(written);
    default:
      return {
        type,
        file: written.file ?? '',
        weight: written.weight ?? 0,
        reverse: written.reverse ?? false,
      };
  }
}

function fillInBfd(written: WrittenCheckOptions): BfdProbeConfig {
  const { neighbor, source, multihop = false } = written;
  return {
    type: 'bfd',
    neighbor: neighbor === undefined ? undefined : formatIp(ip(neighbor)),
    source: source === undefined ? undefined : formatIp(ip(source)),
    minTxMs: written.minTx ?? DEFAULT_BFD_INTERVAL_MS,
    minRxMs: written.minRx ?? DEFAULT_BFD_INTERVAL_MS,
    idleTxMs: written.idleTx ?? 1000,
    multiplier: written.multiplier ?? 3,
    passive: written.passive ?? false,
    multihop,
    ttl: written.ttl ?? MAX_TTL,
    maxHops: written.maxHops ?? (multihop ? MAX_TTL : 0),
  };
}

function fillInHttp(type: 'http' | 'https', written: WrittenCheckOptions): HttpProbeConfig {
  return {
    type,
    urls: (written.urls ?? [{}]).map(fillInUrl),
    rotate: written.rotate ?? false,
    fastRecovery: written.fastRecovery ?? false,
    httpVersion: written.httpVersion ?? '1.1',
    virtualHost: written.virtualHost,
    sni: written.sni,
    tlsVerify: written.tlsVerify ?? false,
    tlsCaFile: written.tlsCaFile,
  };
}

function fillInUrl(written: WrittenUrl): HttpUrlConfig {
  const { regex } = written;
  return {
    path: written.path ?? '/',
    virtualHost: written.virtualHost,
    status: written.status ?? DEFAULT_STATUS,
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
