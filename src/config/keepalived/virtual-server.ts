import { describeFound } from '../issue.ts';
import { type OwnFaults, plainCheck } from './checks.ts';
import { DEFAULT_IS_NAT } from './forwarding-method.ts';
import type { Origins } from './origins.ts';
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
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';
import { mergeTiming, type Timing, timingKeywords } from './timing.ts';
import { type Endpoint, type Groups, NO_FWMARK, readPort } from './virtual-server-group.ts';

/** A service as culvert's YAML has it. */
export type PlainService = Readonly<Record<string, unknown>> & { readonly reals: readonly object[] };

export interface TranslateContext {
  readonly findings: Findings;
  readonly origins: Origins;
  readonly groups: Groups;
  readonly ownFaults: OwnFaults;
}

interface VirtualServer {
  readonly timing: Timing;
  readonly reals: RealServer[];
  readonly flags: Map<string, Statement>;
  scheduler?: Setting<string> | undefined;
  protocol?: Setting<string> | undefined;
  weight?: Setting<number> | undefined;
  tunnel?: RealServer['tunnel'];
}

const NO_PERSISTENCE =
  'this version has no persistence; instead scheduler mh without mh-port keeps each client address with one real server';
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

const KEYWORDS: Keywords<VirtualServer> = {
  lb_algo: SCHEDULER,
  lvs_sched: SCHEDULER,
  lb_kind: METHOD,
  lvs_method: METHOD,
  protocol: {
    parameters: 1,
    read: (statement, server, findings): void => {
      const word = required(statement, 'TCP or UDP', findings);
      if (word === undefined) return;
      if (word.text === 'TCP' || word.text === 'UDP')
        server.protocol = { value: word.text.toLowerCase(), origin: originOf(statement, word) };
      else findings.error(word.place, `protocol: found ${describeFound(word.text)}; allowed: TCP or UDP`);
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
  ...Object.fromEntries(
    ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'].map((name) => [
      name,
      FLAG,
    ]),
  ),
  ops: refuse('this version remembers UDP flows; it cannot schedule each packet by itself'),
  hashed: ignore('IPVS has not looked at it for long'),
  ip_family: {
    parameters: 1,
    read: (statement, _server, findings): void => {
      const word = required(statement, 'inet', findings);
      if (word !== undefined && word.text !== 'inet')
        findings.error(
          word.place,
          `ip_family: found ${describeFound(word.text)}; allowed: inet, for this version has no IPv6`,
        );
    },
  },
  persistence_timeout: refuse(NO_PERSISTENCE),
  persistence_engine: refuse(NO_PERSISTENCE),
  persistence_granularity: refuse(NO_PERSISTENCE),
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

/** The services of one `virtual_server`: one, or those of its group. `first` is the place of the first among all. */
export function readVirtualServer(
  statement: Statement,
  context: TranslateContext & { first: number },
): PlainService[] {
  const { findings, first } = context;
  const endpoints = readEndpoints(statement, context);
  const server: VirtualServer = { timing: {}, reals: [], flags: new Map() };
  readLevel(
    blockOf(statement, findings),
    { keywords: KEYWORDS, target: server, level: 'in virtual_server' },
    findings,
  );
  if (server.reals.length === 0) {
    findings.warn(
      placeOf(statement),
      'virtual_server: it has no real servers and is left out, as by keepalived',
    );
    return [];
  }
  checkMethods(statement, server, findings);
  if (server.protocol === undefined)
    findings.warn(placeOf(statement), 'virtual_server: no protocol is given; UDP, as by keepalived');
  return endpoints.map((endpoint, index) =>
    plainService(statement, { server, endpoint, index: first + index, context }),
  );
}

function readEndpoints(statement: Statement, { findings, groups }: TranslateContext): readonly Endpoint[] {
  const word = required(statement, 'an address and a port, or group and its name', findings);
  if (word === undefined) return [];
  const [, second, third] = parametersOf(statement);
  const origin = originOf(statement, word);
  if (third !== undefined)
    findings.warn(third.place, `virtual_server: found '${third.text}'; ignored, as by keepalived`);
  if (word.text === 'fwmark') findings.error(word.place, `virtual_server fwmark: ${NO_FWMARK}`);
  else if (word.text === 'group') {
    const group = groups.get(second?.text ?? '');
    const known = [...groups.keys()].join(', ') || 'none is defined';
    const place = second?.place ?? word.place;
    if (group !== undefined) return group;
    findings.error(
      place,
      `virtual_server group: found ${describeFound(second?.text)}; allowed: the name of a virtual_server_group (${known})`,
    );
  } else {
    const port = readPort(second, { place: word.place, keyword: 'virtual_server' }, findings);
    if (port !== undefined) return [{ address: word.text, port, origin }];
  }
  return [];
}

/** Every real server needs the tunnel, and one service has one kind of it. */
function checkMethods(statement: Statement, server: VirtualServer, findings: Findings): void {
  const methods = server.reals.map((real) => real.tunnel ?? server.tunnel);
  if (methods.includes(undefined)) findings.error(placeOf(statement), `virtual_server: ${DEFAULT_IS_NAT}`);
  const [first, ...others] = methods.filter((method) => method !== undefined && method !== 'unable');
  const other = others.find((method) => method.value !== first?.value);
  if (other !== undefined)
    findings.error(
      other.origin.place,
      `${other.origin.keyword}: the real servers of one virtual server need one kind of tunnel`,
    );
}

interface ServiceParts {
  readonly server: VirtualServer;
  readonly endpoint: Endpoint;
  readonly index: number;
  readonly context: TranslateContext;
}

function plainService(
  statement: Statement,
  { server, endpoint, index, context }: ServiceParts,
): PlainService {
  const { origins } = context;
  const path = ['services', index];
  const standard = originOf(statement);
  origins.set(path, standard);
  origins.set([...path, 'vip'], endpoint.origin);
  // keepalived leaves it open, and the kernel then takes UDP.
  const protocol = server.protocol ?? { value: 'udp', origin: standard };
  const scheduler = server.scheduler ?? {
    value: 'wlc',
    origin: { ...standard, keyword: 'lvs_sched (by default)' },
  };
  const method = server.reals
    .map((real) => real.tunnel ?? server.tunnel)
    .find((found) => typeof found === 'object');
  origins.set([...path, 'protocol'], protocol.origin);
  origins.set([...path, 'scheduler'], scheduler.origin);
  origins.set([...path, 'tunnel'], method?.origin ?? standard);
  return {
    vip: endpoint.address,
    protocol: protocol.value,
    port: endpoint.port,
    scheduler: scheduler.value,
    ...hashing(scheduler.value, { server, index, context, endpoint }),
    tunnel: method === undefined || method.value === 'ipip' ? 'ipip' : { type: method.value },
    reals: server.reals.map((real, position) =>
      plainReal(real, { server, endpoint, path: [...path, 'reals', position], context }),
    ),
  };
}

/** IPVS hashes the client's address alone unless a flag adds the port. culvert's mh falls back by itself. */
function hashing(
  scheduler: string,
  { server, index, context }: ServiceParts,
): { hashOn?: 'flow' | 'source' } {
  const { findings, origins } = context;
  const flagged = (name: string): Statement | undefined => server.flags.get(name);
  if (scheduler === 'mh') {
    const port = flagged('mh-port') ?? flagged('flag-2');
    if (port !== undefined) origins.set(['services', index, 'hashOn'], originOf(port));
    return { hashOn: port === undefined ? 'source' : 'flow' };
  }
  for (const [name, statement] of server.flags) {
    const own = name.startsWith('flag-') || name.startsWith(`${scheduler}-`);
    if (own)
      findings.error(
        placeOf(statement),
        `${name}: culvert's ${scheduler} has no such flag; allowed: none, or with mh`,
      );
    else findings.warn(placeOf(statement), `${name} is not used: the scheduler is ${scheduler}`);
  }
  return {};
}

interface RealParts {
  readonly server: VirtualServer;
  readonly endpoint: Endpoint;
  readonly path: readonly (string | number)[];
  readonly context: TranslateContext;
}

function plainReal(real: RealServer, { server, endpoint, path, context }: RealParts): object {
  const { findings, origins, ownFaults } = context;
  const origin = { place: real.address.place, keyword: 'real_server' };
  origins.set(path, origin);
  const weight = real.weight ?? server.weight ?? { value: 1, origin };
  origins.set([...path, 'weight'], weight.origin);
  const plain = { address: real.address.text, weight: weight.value };
  const other = real.port !== undefined && real.port.value !== endpoint.port ? real.port : undefined;
  if (other !== undefined)
    findings.warn(
      other.word.place,
      `real_server: a tunnel leaves the port as it is, so port ${other.value} is not used but ${endpoint.port}, as by keepalived`,
    );
  const [check] = real.checks;
  if (check === undefined) return { ...plain, check: 'none' };
  const { address } = check;
  if (address !== undefined && address.value !== real.address.text)
    findings.error(
      address.origin.place,
      `connect_ip: culvert checks the real server itself; allowed: ${real.address.text}`,
    );
  // keepalived checks the port that is written, although the traffic goes to another.
  if (other !== undefined) check.port ??= { value: other.value, origin };
  const around = mergeTiming(server.timing, real.timing);
  return { ...plain, check: plainCheck(check, around, { path: [...path, 'check'], origins, ownFaults }) };
}
