// The keywords of a virtual server.
import { SCHEDULER_NAMES } from '../../../forwarding/scheduler-names.ts';
import { VIRTUAL_HOST } from '../checks/http-check.ts';
import { type Timing, VIRTUAL_SERVER_TIMING } from '../checks/timing.ts';
import type { Statement } from '../text/statement.ts';
import { flag, number, word } from '../values/keywords.ts';
import {
  ignore,
  ignoreSwitch,
  type Keywords,
  refuse,
  required,
  type Setting,
  tellWrong,
} from '../values/read-values.ts';
import { PERSISTENCE, type ReadPersistence } from './persistence-settings.ts';
import { QUORUM, type ReadQuorum } from './quorum-settings.ts';
import {
  MAX_WEIGHT,
  METHOD,
  NO_MAIL,
  NO_SNMP,
  REAL_SERVER_KEYWORDS,
  type RealServer,
  readRealServer,
} from './real-server-block.ts';
import { FLAG_NAMES, readFlag } from './scheduler-flag-names.ts';
import { type ReadSorryServer, SORRY_SERVER } from './sorry-server.ts';

/** A `virtual_server` as it is written. */
export interface VirtualServer extends ReadPersistence, ReadQuorum, ReadSorryServer {
  readonly timing: Timing;
  readonly reals: RealServer[];
  readonly flags: Map<string, Statement>;
  scheduler?: Setting<string> | undefined;
  protocol?: Setting<string> | undefined;
  onePacket?: Setting<boolean> | undefined;
  /** The family of the address; for a group, the first one that the file names. */
  family?: 4 | 6 | undefined;
  weight?: Setting<number> | undefined;
  inhibitOnFailure?: Setting<boolean> | undefined;
  virtualHost?: Setting<string> | undefined;
}

const NO_ENGINE =
  'culvert supports persistence by client address only; allowed: persistence_timeout without an engine';
const FLAG: Keywords<VirtualServer>[string] = {
  parameters: 0,
  read: (statement, server, findings): void => {
    const { flags, scheduler } = server;
    readFlag(statement, { flags, scheduler: scheduler?.value }, findings);
  },
};

const SCHEDULER: Keywords<VirtualServer>[string] = word<'scheduler', string>(
  'scheduler',
  `one of ${SCHEDULER_NAMES.join(', ')}`,
  (found) => SCHEDULER_NAMES.find((name) => name === found),
);
const PROTOCOLS: readonly string[] = ['tcp', 'udp', 'sctp'];
const FAMILIES: ReadonlyMap<string, 4 | 6> = new Map([
  ['inet', 4],
  ['inet6', 6],
]);

export const VIRTUAL_SERVER_KEYWORDS: Keywords<VirtualServer> = {
  lb_algo: SCHEDULER,
  lvs_sched: SCHEDULER,
  lb_kind: METHOD,
  lvs_method: METHOD,
  protocol: word('protocol', 'TCP, UDP or SCTP', (found) =>
    PROTOCOLS.find((protocol) => protocol === found.toLowerCase()),
  ),
  weight: number('weight', { from: 1, to: MAX_WEIGHT }),
  ...VIRTUAL_SERVER_TIMING,
  real_server: {
    parameters: 2,
    read: (statement, server, findings): void => {
      const real = readRealServer(statement, server, findings);
      if (real !== undefined) server.reals.push(real);
    },
    block: REAL_SERVER_KEYWORDS,
  },
  ...Object.fromEntries(FLAG_NAMES.map((name) => [name, FLAG])),
  ops: flag('onePacket'),
  hashed: ignore('IPVS no longer reads it'),
  ip_family: {
    parameters: 1,
    read: (statement, server, findings): void => {
      const found = required(statement, 'inet or inet6', findings);
      if (found === undefined) return;
      const family = FAMILIES.get(found.text);
      const known = server.family;
      if (family === undefined || (known !== undefined && family !== known))
        tellWrong(statement, found, { allowed: known === 6 ? 'inet6' : 'inet', findings });
      else server.family = family;
    },
  },
  ...PERSISTENCE,
  persistence_engine: refuse(NO_ENGINE),
  ...SORRY_SERVER,
  ...QUORUM,
  inhibit_on_failure: flag('inhibitOnFailure'),
  ha_suspend: ignore('checks run whether or not this machine has the address'),
  smtp_alert: ignoreSwitch(NO_MAIL),
  virtualhost: VIRTUAL_HOST,
  snmp_name: ignore(NO_SNMP),
};
