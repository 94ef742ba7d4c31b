import { CHECK_KEYWORDS, type ReadCheck, readCheck } from './checks.ts';
import { type PlainTunnel, readForwardingMethod } from './forwarding-method.ts';
import { Findings } from './place.ts';
import {
  blockOf,
  ignore,
  type Keywords,
  readLevel,
  readNumber,
  refuse,
  refuseWhenOn,
  required,
  type Setting,
} from './read-values.ts';
import { parametersOf, type Statement } from './statement.ts';
import { type Timing, timingKeywords } from './timing.ts';
import { readPort } from './virtual-server-group.ts';
import type { Word } from './words.ts';

/** A `real_server` as it is written. */
export interface RealServer {
  readonly address: Word;
  readonly port: { readonly value: number; readonly word: Word } | undefined;
  readonly timing: Timing;
  readonly checks: ReadCheck[];
  weight?: Setting<number> | undefined;
  upperThreshold?: Setting<number> | undefined;
  lowerThreshold?: Setting<number> | undefined;
  /** Undefined: the virtual server's; 'unable': told already that it is none that culvert has. */
  tunnel?: Setting<PlainTunnel> | 'unable' | undefined;
}

const MAX_WEIGHT = 65_535;

export const NO_COMMANDS =
  'this version of culvert runs no commands; follow `culvert events --follow --json` instead';
export const NO_MAIL = 'culvert sends no mail; `culvert events` and the metrics tell of transitions';
export const NO_INHIBIT =
  'a failed real server is taken out; this version cannot keep it with weight 0 instead';
export const NO_ALPHA =
  'real servers count as up until a check fails; this version cannot start with them down';
export const OWN_WARMUP = 'culvert spreads its checks over time by itself';
const MAX_THRESHOLD = 2 ** 32 - 1;

export const WEIGHT: Keywords<{ weight?: Setting<number> | undefined }>[string] = {
  parameters: 1,
  read: (statement, target, findings): void => {
    target.weight = readNumber(statement, { from: 0, to: MAX_WEIGHT }, findings) ?? target.weight;
  },
};

export const METHOD: Keywords<Pick<RealServer, 'tunnel'>>[string] = {
  parameters: Number.POSITIVE_INFINITY,
  read: (statement, target, findings): void => {
    target.tunnel = readForwardingMethod(statement, findings) ?? 'unable';
  },
};

const CHECK: Keywords<RealServer>[string] = {
  parameters: 0,
  read: (statement, real, findings): void => {
    const check = readCheck(statement, findings, new Findings());
    if (check !== undefined) real.checks.push(check);
  },
};

function threshold(name: 'upperThreshold' | 'lowerThreshold'): Keywords<RealServer>[string] {
  return {
    parameters: 1,
    read: (statement, real, findings): void => {
      real[name] = readNumber(statement, { from: 0, to: MAX_THRESHOLD }, findings) ?? real[name];
    },
  };
}

const KEYWORDS: Keywords<RealServer> = {
  weight: WEIGHT,
  lvs_method: METHOD,
  ...timingKeywords(1),
  warmup: ignore(OWN_WARMUP),
  inhibit_on_failure: refuseWhenOn(NO_INHIBIT),
  alpha: refuseWhenOn(NO_ALPHA),
  uthreshold: threshold('upperThreshold'),
  lthreshold: threshold('lowerThreshold'),
  notify_up: refuse(NO_COMMANDS),
  notify_down: refuse(NO_COMMANDS),
  smtp_alert: ignore(NO_MAIL),
  virtualhost: ignore('it is for HTTP_GET and SSL_GET'),
  snmp_name: ignore('culvert has no SNMP; its metrics are for Prometheus'),
  ...Object.fromEntries(CHECK_KEYWORDS.map((name) => [name, CHECK])),
};

export function readRealServer(statement: Statement, findings: Findings): RealServer | undefined {
  const address = required(statement, 'the address of the real server', findings);
  if (address === undefined) return undefined;
  const [, portWord] = parametersOf(statement);
  const value = readPort(portWord, 'real_server', findings) ?? 0;
  const port = value === 0 || portWord === undefined ? undefined : { value, word: portWord };
  const real: RealServer = { address, port, timing: {}, checks: [] };
  readLevel(
    blockOf(statement, findings),
    { keywords: KEYWORDS, target: real, level: 'in real_server' },
    findings,
  );
  const [, second] = real.checks;
  if (second !== undefined)
    findings.error(
      second.origin.place,
      `${second.origin.keyword}: culvert has one check for each real server; allowed: one`,
    );
  return real;
}
