import type { IssuePath } from '../issue.ts';
import type { Origin, Origins } from './origins.ts';
import type { Findings } from './place.ts';
import {
  blockOf,
  ignore,
  type Keywords,
  originOf,
  readLevel,
  readNumber,
  refuse,
  refuseWhenOn,
  required,
  type Setting,
} from './read-values.ts';
import { keywordOf, placeOf, type Statement } from './statement.ts';
import { mergeTiming, type Timing, timingKeywords } from './timing.ts';

/** A check as it is written, before what the levels around it say is merged in. */
export interface ReadCheck {
  readonly kind: CheckKind;
  readonly origin: Origin;
  readonly timing: Timing;
  address?: Setting<string> | undefined;
  port?: Setting<number> | undefined;
  /** What is wrong with options of this kind alone: of no interest while culvert has not got the kind. */
  readonly ownFaults: Findings;
}

interface CheckKind {
  /** culvert's name of it; whether this version has got it, the schema says. */
  readonly type: string;
  readonly retries: number;
  /** Seconds; undefined: as long as the interval. */
  readonly retryDelay: number | undefined;
  readonly connects: boolean;
  /** Keywords of this kind alone. None of them has a counterpart in culvert yet. */
  readonly own: readonly string[];
}

const HTTP = { retries: 1, retryDelay: 3, connects: true };
const HTTP_KEYWORDS = ['url', 'virtualhost', 'http_protocol', 'fast_recovery', 'nb_get_retry'];

/** keepalived's checks with their defaults: check_api.c and the check_*.c of 2.2.7. */
const KINDS: Readonly<Record<string, CheckKind>> = {
  TCP_CHECK: { type: 'tcp', retries: 1, retryDelay: 1, connects: true, own: [] },
  HTTP_GET: { type: 'http', ...HTTP, own: HTTP_KEYWORDS },
  SSL_GET: { type: 'https', ...HTTP, own: [...HTTP_KEYWORDS, 'enable_sni'] },
  SMTP_CHECK: { type: 'smtp', retries: 1, retryDelay: 1, connects: true, own: ['helo_name', 'host'] },
  DNS_CHECK: { type: 'dns', retries: 3, retryDelay: undefined, connects: true, own: ['type', 'name'] },
  UDP_CHECK: {
    type: 'udp',
    retries: 1,
    retryDelay: 1,
    connects: true,
    own: ['payload', 'require_reply', 'min_reply_length', 'max_reply_length'],
  },
  PING_CHECK: { type: 'ping', retries: 1, retryDelay: 1, connects: true, own: [] },
  MISC_CHECK: {
    type: 'misc',
    retries: 0,
    retryDelay: 1,
    connects: false,
    own: ['misc_path', 'misc_timeout', 'misc_dynamic', 'user'],
  },
  FILE_CHECK: { type: 'file', retries: 0, retryDelay: 1, connects: false, own: ['track_file', 'weight'] },
  BFD_CHECK: { type: 'bfd', retries: 0, retryDelay: 1, connects: false, own: ['name'] },
};

export const CHECK_KEYWORDS: readonly string[] = Object.keys(KINDS);

const DEFAULT_INTERVAL_SECONDS = 60;
const DEFAULT_TIMEOUT_SECONDS = 5;

const NO_SOURCE =
  'checks in culvert choose their source address, interface and mark themselves, and cannot be told';

const CONNECTION_KEYWORDS: Keywords<ReadCheck> = {
  connect_ip: {
    parameters: 1,
    read: (statement, check, findings): void => {
      const word = required(statement, 'an IP address', findings);
      if (word !== undefined) check.address = { value: word.text, origin: originOf(statement, word) };
    },
  },
  connect_port: {
    parameters: 1,
    read: (statement, check, findings): void => {
      check.port = readNumber(statement, { from: 1, to: 65_535 }, findings) ?? check.port;
    },
  },
  bindto: refuse(NO_SOURCE),
  bind_port: refuse(NO_SOURCE),
  bind_if: refuse(NO_SOURCE),
  fwmark: refuse(NO_SOURCE),
};

const COMMON_KEYWORDS: Keywords<ReadCheck> = {
  ...timingKeywords(0),
  warmup: ignore('culvert spreads its checks over time by itself'),
  alpha: refuseWhenOn(
    'real servers count as up until a check fails; this version cannot start with them down',
  ),
  log_all_failures: ignore('`culvert events` shows what checks found'),
};

export function readCheck(
  statement: Statement,
  findings: Findings,
  ownFaults: Findings,
): ReadCheck | undefined {
  const kind = KINDS[keywordOf(statement)];
  if (kind === undefined) return undefined;
  const check: ReadCheck = { kind, origin: originOf(statement), timing: {}, ownFaults };
  const own = Object.fromEntries(kind.own.map((name) => [name, OWN_KEYWORD]));
  const keywords = { ...(kind.connects ? CONNECTION_KEYWORDS : {}), ...COMMON_KEYWORDS, ...own };
  readLevel(
    blockOf(statement, findings),
    { keywords, target: check, level: `in ${keywordOf(statement)}` },
    findings,
  );
  return check;
}

const OWN_KEYWORD: Keywords<ReadCheck>[string] = {
  parameters: Number.POSITIVE_INFINITY,
  read: (statement, check): void =>
    check.ownFaults.error(
      placeOf(statement),
      `${keywordOf(statement)}: this version of culvert has not got it`,
    ),
};

/** By the path of a check: what is wrong with options of its kind alone. */
export type OwnFaults = Map<string, Findings>;

export interface PlainCheckContext {
  readonly path: IssuePath;
  readonly origins: Origins;
  readonly ownFaults: OwnFaults;
}

/** The values of culvert's check, everything that keepalived's defaults say written out. */
export function plainCheck(
  check: ReadCheck,
  around: Timing,
  { path, origins, ownFaults }: PlainCheckContext,
): object {
  const timing = mergeTiming(around, check.timing);
  const standard = <Value>(value: Value): Setting<Value> => ({ value, origin: check.origin });
  const interval = timing.interval ?? standard(`${DEFAULT_INTERVAL_SECONDS}s`);
  const { retries, retryDelay } = check.kind;
  const settings: Record<string, Setting<unknown> | undefined> = {
    type: standard(check.kind.type),
    interval,
    timeout: timing.timeout ?? standard(`${DEFAULT_TIMEOUT_SECONDS}s`),
    retries: timing.retries ?? standard(retries),
    retryDelay: timing.retryDelay ?? (retryDelay === undefined ? interval : standard(`${retryDelay}s`)),
    via: check.kind.connects ? standard('direct') : undefined,
    port: check.port,
  };
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings)) {
    if (setting === undefined) continue;
    values[name] = setting.value;
    origins.set([...path, name], setting.origin);
  }
  origins.set(path, check.origin);
  ownFaults.set(path.join('.'), check.ownFaults);
  return values;
}
