import { VIRTUAL_HOST } from './http-check.ts';
import { flag, number, text, word } from './keywords.ts';
import { PERSISTENCE, type ReadPersistence } from './persistence.ts';
import { QUORUM, type ReadQuorum } from './quorum.ts';
import { ignore, type Keywords, refuse, type Setting } from './read-values.ts';
import { MAX_WEIGHT, METHOD, NO_MAIL, NO_SNMP, type RealServer, readRealServer } from './real-server.ts';
import { FLAG_NAMES } from './scheduler-flags.ts';
import { type ReadSorryServer, SORRY_SERVER } from './sorry-server.ts';
import { keywordOf, type Statement } from './statement.ts';
import { type Timing, VIRTUAL_SERVER_TIMING } from './timing.ts';

/** A `virtual_server` as it is written. */
export interface VirtualServer extends ReadPersistence, ReadQuorum, ReadSorryServer {
  readonly timing: Timing;
  readonly reals: RealServer[];
  readonly flags: Map<string, Statement>;
  scheduler?: Setting<string> | undefined;
  protocol?: Setting<string> | undefined;
  onePacket?: Setting<boolean> | undefined;
  family?: Setting<4 | 6> | undefined;
  weight?: Setting<number> | undefined;
  inhibitOnFailure?: Setting<boolean> | undefined;
  virtualHost?: Setting<string> | undefined;
  tunnel?: RealServer['tunnel'];
}

const NO_ENGINE = 'culvert keeps clients by their address; allowed: persistence_timeout without an engine';
const FLAG: Keywords<VirtualServer>[string] = {
  parameters: 0,
  read: (statement, server): void => {
    server.flags.set(keywordOf(statement), statement);
  },
};

const SCHEDULER = text('scheduler', 'the name of a scheduler');
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
      const real = readRealServer(statement, findings);
      if (real !== undefined) server.reals.push(real);
    },
  },
  ...Object.fromEntries(FLAG_NAMES.map((name) => [name, FLAG])),
  ops: flag('onePacket'),
  hashed: ignore('IPVS has not looked at it for long'),
  ip_family: word('family', 'inet or inet6', (found) => FAMILIES.get(found)),
  ...PERSISTENCE,
  persistence_engine: refuse(NO_ENGINE),
  ...SORRY_SERVER,
  ...QUORUM,
  inhibit_on_failure: flag('inhibitOnFailure'),
  ha_suspend: ignore('checks run whether or not this machine has the address'),
  smtp_alert: ignore(NO_MAIL),
  virtualhost: VIRTUAL_HOST,
  snmp_name: ignore(NO_SNMP),
};
