import { CHECK_KEYWORDS, readCheck } from './checks.ts';
import type { PlainCommand } from './commands.ts';
import { type PlainTunnel, readForwardingMethod } from './forwarding-method.ts';
import { VIRTUAL_HOST } from './http-check.ts';
import { number, toggle } from './keywords.ts';
import type { Findings } from './place.ts';
import { readOwnPort, type WrittenPort } from './port.ts';
import { command } from './quorum.ts';
import type { ReadCheck } from './read-check.ts';
import { blockOf, ignore, type Keywords, readLevel, required, type Setting } from './read-values.ts';
import { parametersOf, type Statement } from './statement.ts';
import { REAL_SERVER_TIMING, type Timing } from './timing.ts';
import type { Word } from './words.ts';

/** A `real_server` as it is written. */
export interface RealServer {
  readonly address: Word;
  readonly port: WrittenPort | undefined;
  readonly timing: Timing;
  readonly checks: ReadCheck[];
  weight?: Setting<number> | undefined;
  upperThreshold?: Setting<number> | undefined;
  lowerThreshold?: Setting<number> | undefined;
  inhibitOnFailure?: Setting<boolean> | undefined;
  onUp?: Setting<PlainCommand> | undefined;
  onDown?: Setting<PlainCommand> | undefined;
  virtualHost?: Setting<string> | undefined;
  /** Undefined: the virtual server's; 'unable': told already that it is none that culvert has. */
  tunnel?: Setting<PlainTunnel> | 'unable' | undefined;
}

export const MAX_WEIGHT = 65_535;
const MAX_THRESHOLD = 2 ** 32 - 1;

export const NO_MAIL = 'culvert sends no mail; `culvert events` and the metrics tell of transitions';
export const NO_SNMP = 'culvert has no SNMP; its metrics are for Prometheus';

export const METHOD: Keywords<Pick<RealServer, 'tunnel'>>[string] = {
  parameters: Number.POSITIVE_INFINITY,
  read: (statement, target, findings): void => {
    target.tunnel = readForwardingMethod(statement, findings) ?? 'unable';
  },
};

const CHECK: Keywords<RealServer>[string] = {
  parameters: 0,
  read: (statement, real, findings): void => {
    real.checks.push(...readCheck(statement, findings));
  },
};

const KEYWORDS: Keywords<RealServer> = {
  weight: number('weight', { from: 0, to: MAX_WEIGHT }),
  lvs_method: METHOD,
  ...REAL_SERVER_TIMING,
  inhibit_on_failure: toggle('inhibitOnFailure'),
  uthreshold: number('upperThreshold', { from: 0, to: MAX_THRESHOLD }),
  lthreshold: number('lowerThreshold', { from: 0, to: MAX_THRESHOLD }),
  notify_up: command('onUp'),
  notify_down: command('onDown'),
  smtp_alert: ignore(NO_MAIL),
  virtualhost: VIRTUAL_HOST,
  snmp_name: ignore(NO_SNMP),
  ...Object.fromEntries(CHECK_KEYWORDS.map((name) => [name, CHECK])),
};

export function readRealServer(statement: Statement, findings: Findings): RealServer | undefined {
  const address = required(statement, 'the address of the real server', findings);
  if (address === undefined) return undefined;
  const port = readOwnPort(parametersOf(statement)[1], 'real_server', findings);
  const real: RealServer = { address, port, timing: {}, checks: [] };
  readLevel(
    blockOf(statement, findings),
    { keywords: KEYWORDS, target: real, level: 'in real_server' },
    findings,
  );
  return real;
}
