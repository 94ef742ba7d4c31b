// Reads the checks of a real server, and translates them.
import { isIP } from 'node:net';
import type { Findings } from '../text/place.ts';
import { keywordOf, placeOf, type Statement } from '../text/statement.ts';
import { number, toggle, within, word } from '../values/keywords.ts';
import { plainSettings, type Settings } from '../values/plain-settings.ts';
import { blockOf, type Keywords, originOf, readLevel, type Setting } from '../values/read-values.ts';
import { CHECK_KINDS } from './check-kinds.ts';
import { DEFAULT_INTERVAL } from './culvert-check-settings.ts';
import type { Bind, CheckContext, CheckKind, Connection, ReadCheck } from './read-check.ts';
import { CHECK_TIMING, mergeTiming, TIMEOUT_KEYWORD, type Timing } from './timing.ts';

export const CHECK_KEYWORDS: readonly string[] = Object.keys(CHECK_KINDS);

const DEFAULT_TIMEOUT = '5s';

const MAX_UNSIGNED = 2 ** 32 - 1;
const PORT = { from: 1, to: 65_535 };
const LONGEST_INTERFACE = 15;
const ADDRESS = 'an IP address';

/** keepalived takes no notice of a prefix. */
function address(found: string): string | undefined {
  const [text = ''] = found.split(/[-/]/);
  return isIP(text) === 0 ? undefined : text;
}

const CONNECTION_KEYWORDS: Keywords<ReadCheck> = {
  ...within<'connection', Connection>('connection', {
    connect_ip: word('address', ADDRESS, address),
    connect_port: number('port', PORT),
    fwmark: number('mark', { from: 0, to: MAX_UNSIGNED }),
  }),
  ...within<'bind', Bind>('bind', {
    bindto: word('address', `${ADDRESS} of this machine`, address),
    bind_port: number('port', PORT),
    bind_if: word('interface', 'the name of an interface', (found) =>
      found.length <= LONGEST_INTERFACE ? found : undefined,
    ),
  }),
  ...TIMEOUT_KEYWORD,
};

const TIMING_KEYWORDS: Keywords<ReadCheck> = {
  ...CHECK_TIMING,
  log_all_failures: toggle('logAllFailures'),
};

const SHARED: Readonly<Record<CheckKind['shares'], Keywords<ReadCheck>>> = {
  'connection and timing': { ...CONNECTION_KEYWORDS, ...TIMING_KEYWORDS },
  timing: TIMING_KEYWORDS,
  nothing: {},
};

/** Returns the keywords of a check, for the reader of braces. */
export function checkKeywords(name: string): Keywords<ReadCheck> {
  const kind = CHECK_KINDS[name];
  if (kind === undefined) return {};
  return { ...SHARED[kind.shares], ...kind.own, ...(kind.type === 'smtp' ? { host: HOST } : {}) };
}

/** A host of SMTP_CHECK, which keepalived calls deprecated, is a check of its own. */
const HOST: Keywords<ReadCheck>[string] = {
  parameters: 0,
  read: (statement, check, findings): void => {
    const keywords = SHARED['connection and timing'];
    const host = readBlock(statement, { kind: check.kind, keywords }, findings);
    const { timeout, ...timing } = host.timing;
    // Options of a host outside its connection apply to all hosts: the handlers of check_api.c know one check.
    Object.assign(check.timing, timing);
    check.logAllFailures = host.logAllFailures ?? check.logAllFailures;
    check.hosts.push({ ...host, timing: { timeout } });
    const noTime =
      timeout === undefined
        ? '; without connect_timeout it fails at once in keepalived 2.2.7, and here takes that of the levels around it'
        : '';
    findings.complain(
      placeOf(statement),
      `host is deprecated in keepalived${noTime}; fix: use another SMTP_CHECK instead`,
    );
  },
  block: SHARED['connection and timing'],
};

/** @param timeoutSoFar The connect_timeout of the levels around it, so far as they are read. */
export function readCheck(
  statement: Statement,
  timeoutSoFar: Timing['timeout'],
  findings: Findings,
): ReadCheck[] {
  const kind = CHECK_KINDS[keywordOf(statement)];
  if (kind === undefined) return [];
  const keywords = checkKeywords(keywordOf(statement));
  const check = readBlock(statement, { kind, keywords }, findings);
  return withHosts({ ...check, timeoutSoFar });
}

function readBlock(
  statement: Statement,
  { kind, keywords }: { kind: CheckKind; keywords: Keywords<ReadCheck> },
  findings: Findings,
): ReadCheck {
  const target: ReadCheck = {
    kind,
    origin: originOf(statement),
    timing: {},
    connection: {},
    bind: {},
    hosts: [],
    urls: [],
    options: {},
  };
  const level = `in ${keywordOf(statement)}`;
  readLevel(blockOf(statement), { keywords, target, level }, findings);
  return target;
}

/** The check itself is one only if it says how to connect, or has no hosts (smtp_check_end_handler()). */
function withHosts(check: ReadCheck): ReadCheck[] {
  const { hosts, connection, bind, timing, timeoutSoFar, options, logAllFailures } = check;
  const said = [...Object.values(connection), ...Object.values(bind), timing.timeout];
  const itself = hosts.length === 0 || said.some((one) => one !== undefined);
  const others = hosts.map((host) => ({
    ...host,
    timing: { ...timing, timeout: host.timing.timeout },
    timeoutSoFar,
    options,
    logAllFailures,
  }));
  return itself ? [check, ...others] : others;
}

/** The values of culvert's check, everything that keepalived's defaults say written out. */
export function plainCheck(check: ReadCheck, context: CheckContext): object {
  const { path, origins } = context;
  const { kind, origin, logAllFailures } = check;
  origins.set(path, origin);
  const around = kind.type === 'smtp' ? { ...context.around, timeout: check.timeoutSoFar } : context.around;
  const timing = kind.shares === 'nothing' ? {} : mergeTiming(around, check.timing);
  const settings: Settings = {
    type: { value: kind.type, origin },
    // A BFD session is not attempted.
    ...(kind.type === 'bfd' ? {} : timingSettings(check, timing)),
    logAllFailures,
    ...(kind.shares === 'connection and timing' ? connectionSettings(check, context) : {}),
    ...kind.settings(check, context),
  };
  return plainSettings(settings, path, origins);
}

function connectionSettings(
  { connection, bind, origin }: ReadCheck,
  { path, origins }: CheckContext,
): Settings {
  const [first] = Object.values(bind).filter((setting) => setting !== undefined);
  return {
    via: { value: 'direct', origin },
    ...connection,
    bind: first && { value: plainSettings(bind, [...path, 'bind'], origins), origin: first.origin },
  };
}

function timingSettings({ kind, origin }: ReadCheck, timing: Timing): Settings {
  const standard = <Value>(value: Value): Setting<Value> => ({ value, origin });
  const interval = timing.interval ?? standard(DEFAULT_INTERVAL);
  const delay = kind.retryDelay === undefined ? interval : standard(`${kind.retryDelay}s`);
  return {
    interval,
    timeout: timing.timeout ?? standard(DEFAULT_TIMEOUT),
    retries: timing.retries ?? standard(kind.retries),
    retryDelay: timing.retryDelay ?? delay,
    warmup: timing.warmup,
    alpha: timing.alpha,
  };
}
