import { formatIp, ip } from '../net/ip-address.ts';
import type { CheckConfig } from './config.ts';
import type {
  BfdProbeConfig,
  HttpProbeConfig,
  HttpRegexConfig,
  HttpUrlConfig,
  ProbeConfig,
} from './probe-config.ts';
import type { WrittenCheck, WrittenCheckOptions, WrittenRegex, WrittenUrl } from './written-check.ts';

export const DEFAULT_CHECK: CheckConfig = {
  probe: { type: 'tcp' },
  intervalMs: 6000,
  timeoutMs: 3000,
  retries: 3,
  retryDelayMs: 3000,
  warmupMs: undefined,
  alpha: false,
  logAllFailures: false,
  via: 'tunnel',
  port: undefined,
};

const DEFAULT_STATUS = [{ from: 200, to: 299 }] as const;
const LONGEST_REPLY_BYTES = 65535;
const DEFAULT_BFD_INTERVAL_MS = 300;
const MAX_TTL = 255;

/** From the outermost level to the innermost: each overrides single values, `none` holds until a level below asks again. */
export function mergeChecks(levels: readonly (WrittenCheck | undefined)[]): CheckConfig | undefined {
  const written = mergeWritten(levels);
  if (written === undefined) return undefined;
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
  };
}

/** Undefined: not checked. */
function mergeWritten(levels: readonly (WrittenCheck | undefined)[]): WrittenCheckOptions | undefined {
  let merged: WrittenCheckOptions = {};
  let checked = true;
  for (const level of levels) {
    if (level === undefined) continue;
    checked = level !== 'none';
    if (level === 'none') continue;
    const options = typeof level === 'string' ? { type: level } : level;
    merged = { ...merged, ...options };
    // The two are one setting in two forms.
    if (options.command !== undefined) merged.shell = undefined;
    else if (options.shell !== undefined) merged.command = undefined;
  }
  return checked ? merged : undefined;
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
      return { type, queryType: written.queryType ?? 'SOA', queryName: written.queryName ?? '.' };
    case 'udp':
      return {
        type,
        payload: written.payload ?? '',
        reply: written.reply,
        minReplyLength: written.minReplyLength ?? 0,
        maxReplyLength: written.maxReplyLength ?? LONGEST_REPLY_BYTES,
      };
    case 'misc': {
      const { command = [], shell } = written;
      return { type, run: shell === undefined ? { command } : { shell }, dynamic: written.dynamic ?? false };
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
    flags: written.flags ?? '',
    mustNotMatch: written.mustNotMatch ?? false,
    minOffset: written.minOffset ?? 0,
    maxOffset: written.maxOffset ?? Number.MAX_SAFE_INTEGER,
  };
}
