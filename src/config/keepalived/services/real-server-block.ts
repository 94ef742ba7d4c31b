// Reads a `real_server` block.
import { VIRTUAL_HOST } from '../checks/http-check.ts';
import type { ReadCheck } from '../checks/read-check.ts';
import { CHECK_KEYWORDS, checkKeywords, readCheck } from '../checks/real-checks.ts';
import { REAL_SERVER_TIMING, type Timing } from '../checks/timing.ts';
import type { Word } from '../text/cut-words.ts';
import type { Findings } from '../text/place.ts';
import { parametersOf, type Statement } from '../text/statement.ts';
import { number, toggle } from '../values/keywords.ts';
import { ownPort, readAddress, readPort, type WrittenPort } from '../values/port.ts';
import type { PlainCommand } from '../values/read-command.ts';
import {
  blockOf,
  ignore,
  ignoreSwitch,
  type Keywords,
  readLevel,
  required,
  type Setting,
} from '../values/read-values.ts';
import { type ReadMethod, readForwardingMethod } from './forwarding-method.ts';
import { command } from './quorum-settings.ts';

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
  /** The method that the virtual server named before this real server. */
  readonly inherited?: ReadMethod | undefined;
  /** The connect_timeout that the virtual server named before this real server. */
  readonly inheritedTimeout?: Timing['timeout'];
  /** The real server's method; undefined: the inherited one, otherwise the last that the virtual server names. */
  tunnel?: ReadMethod | undefined;
}

/** keepalived's; culvert's own limit is that of every configuration. */
export const MAX_WEIGHT: number = 2 ** 31 - 1;
const MAX_THRESHOLD = 2 ** 32 - 1;

export const NO_MAIL = 'culvert sends no mail; `culvert events` and the metrics report transitions';
export const NO_SNMP = 'culvert does not support SNMP; it has metrics for Prometheus';

export const METHOD: Keywords<Pick<RealServer, 'tunnel' | 'inherited'>>[string] = {
  parameters: Number.POSITIVE_INFINITY,
  read: (statement, target, findings): void => {
    target.tunnel = readForwardingMethod(statement, target.tunnel ?? target.inherited, findings);
  },
};

function check(name: string): Keywords<RealServer>[string] {
  return {
    parameters: 0,
    read: (statement, real, findings): void => {
      const timeoutSoFar = real.timing.timeout ?? real.inheritedTimeout;
      real.checks.push(...readCheck(statement, timeoutSoFar, findings));
    },
    block: checkKeywords(name),
  };
}

const SKIPPED = 'the real server is skipped, as in keepalived';

export const REAL_SERVER_KEYWORDS: Keywords<RealServer> = {
  weight: number('weight', { from: 0, to: MAX_WEIGHT }),
  lvs_method: METHOD,
  ...REAL_SERVER_TIMING,
  inhibit_on_failure: toggle('inhibitOnFailure'),
  uthreshold: number('upperThreshold', { from: 0, to: MAX_THRESHOLD }),
  lthreshold: number('lowerThreshold', { from: 0, to: MAX_THRESHOLD }),
  notify_up: command('onUp'),
  notify_down: command('onDown'),
  smtp_alert: ignoreSwitch(NO_MAIL),
  virtualhost: VIRTUAL_HOST,
  snmp_name: ignore(NO_SNMP),
  ...Object.fromEntries(CHECK_KEYWORDS.map((name) => [name, check(name)])),
};

/** @param server The virtual server, so far as it is read. */
export function readRealServer(
  statement: Statement,
  { tunnel: inherited, timing }: Pick<RealServer, 'tunnel' | 'timing'>,
  findings: Findings,
): RealServer | undefined {
  const word = required(statement, 'the address of the real server', findings);
  if (word === undefined) return undefined;
  const [, portWord] = parametersOf(statement);
  const context = { statement, skipped: SKIPPED };
  const port = readPort(portWord, context, findings);
  const address = port === undefined ? undefined : readAddress(word, context, findings);
  if (port === undefined || address === undefined) return undefined;
  const real: RealServer = {
    address,
    port: ownPort(port, portWord),
    inherited,
    inheritedTimeout: timing.timeout,
    timing: {},
    checks: [],
  };
  readLevel(
    blockOf(statement),
    { keywords: REAL_SERVER_KEYWORDS, target: real, level: 'in real_server' },
    findings,
  );
  return real;
}
