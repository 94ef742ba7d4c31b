import { describeFound } from '../issue.ts';
import { PERSISTENCE, type ReadPersistence } from './persistence.ts';
import {
  ignore,
  type Keywords,
  originOf,
  readNumber,
  refuse,
  refuseWhenOn,
  required,
  type Setting,
} from './read-values.ts';
import {
  METHOD,
  NO_ALPHA,
  NO_COMMANDS,
  NO_INHIBIT,
  NO_MAIL,
  OWN_WARMUP,
  type RealServer,
  readRealServer,
  WEIGHT,
} from './real-server.ts';
import { FLAG_NAMES } from './scheduler-flags.ts';
import { keywordOf, type Statement } from './statement.ts';
import { type Timing, timingKeywords } from './timing.ts';

/** A `virtual_server` as it is written. */
export interface VirtualServer extends ReadPersistence {
  readonly timing: Timing;
  readonly reals: RealServer[];
  readonly flags: Map<string, Statement>;
  scheduler?: Setting<string> | undefined;
  protocol?: Setting<string> | undefined;
  onePacket?: Setting<boolean> | undefined;
  family?: Setting<4 | 6> | undefined;
  weight?: Setting<number> | undefined;
  tunnel?: RealServer['tunnel'];
}

const NO_ENGINE = 'culvert keeps clients by their address; allowed: persistence_timeout without an engine';
const NO_SORRY = 'this version of culvert has no sorry server';
const NO_QUORUM = 'this version of culvert has no quorum';
const FLAG: Keywords<VirtualServer>[string] = {
  parameters: 0,
  read: (statement, server): void => {
    server.flags.set(keywordOf(statement), statement);
  },
};

const SCHEDULER: Keywords<VirtualServer>[string] = {
  parameters: 1,
  read: (statement, server, findings): void => {
    const word = required(statement, 'the name of a scheduler', findings);
    if (word !== undefined) server.scheduler = { value: word.text, origin: originOf(statement, word) };
  },
};

/** Accepts the only value that changes nothing. */
function only(value: number, reason: string): Keywords<VirtualServer>[string] {
  return {
    parameters: 1,
    read: (statement, _server, findings): void => {
      const found = readNumber(statement, { from: value, to: 2 ** 32 - 1 }, findings);
      if (found !== undefined && found.value !== value)
        findings.error(found.origin.place, `${keywordOf(statement)}: ${reason}`);
    },
  };
}

const FAMILIES: ReadonlyMap<string, 4 | 6> = new Map([
  ['inet', 4],
  ['inet6', 6],
]);

const FAMILY: Keywords<VirtualServer>[string] = {
  parameters: 1,
  read: (statement, server, findings): void => {
    const word = required(statement, 'inet or inet6', findings);
    if (word === undefined) return;
    const value = FAMILIES.get(word.text);
    if (value === undefined)
      findings.error(word.place, `ip_family: found ${describeFound(word.text)}; allowed: inet or inet6`);
    else server.family = { value, origin: originOf(statement, word) };
  },
};

export const VIRTUAL_SERVER_KEYWORDS: Keywords<VirtualServer> = {
  lb_algo: SCHEDULER,
  lvs_sched: SCHEDULER,
  lb_kind: METHOD,
  lvs_method: METHOD,
  protocol: {
    parameters: 1,
    read: (statement, server, findings): void => {
      const word = required(statement, 'TCP, UDP or SCTP', findings);
      if (word === undefined) return;
      if (['TCP', 'UDP', 'SCTP'].includes(word.text))
        server.protocol = { value: word.text.toLowerCase(), origin: originOf(statement, word) };
      else
        findings.error(word.place, `protocol: found ${describeFound(word.text)}; allowed: TCP, UDP or SCTP`);
    },
  },
  weight: WEIGHT,
  ...timingKeywords(1),
  real_server: {
    parameters: 2,
    read: (statement, server, findings): void => {
      const real = readRealServer(statement, findings);
      if (real !== undefined) server.reals.push(real);
    },
  },
  ...Object.fromEntries(FLAG_NAMES.map((name) => [name, FLAG])),
  ops: {
    parameters: 0,
    read: (statement, server): void => {
      server.onePacket = { value: true, origin: originOf(statement) };
    },
  },
  hashed: ignore('IPVS has not looked at it for long'),
  ip_family: FAMILY,
  ...PERSISTENCE,
  persistence_engine: refuse(NO_ENGINE),
  sorry_server: refuse(NO_SORRY),
  sorry_server_inhibit: refuse(NO_SORRY),
  sorry_server_lvs_method: refuse(NO_SORRY),
  quorum: only(1, NO_QUORUM),
  hysteresis: only(0, NO_QUORUM),
  quorum_up: refuse(NO_COMMANDS),
  quorum_down: refuse(NO_COMMANDS),
  inhibit_on_failure: refuseWhenOn(NO_INHIBIT),
  alpha: refuseWhenOn(NO_ALPHA),
  omega: ignore('it is about commands run at the end, and there are none'),
  ha_suspend: ignore('checks run whether or not this machine has the address'),
  warmup: ignore(OWN_WARMUP),
  smtp_alert: ignore(NO_MAIL),
  virtualhost: ignore('it is for HTTP_GET and SSL_GET'),
  snmp_name: ignore('culvert has no SNMP; its metrics are for Prometheus'),
};
