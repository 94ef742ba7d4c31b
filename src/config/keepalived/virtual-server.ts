import { isIP } from 'node:net';
import { ADDRESS } from '../fields.ts';
import { describeFound, type IssuePath } from '../issue.ts';
import type { BfdInstances } from './bfd.ts';
import { withUser } from './commands.ts';
import { DEFAULT_IS_NAT, type PlainTunnel } from './forwarding-method.ts';
import type { Origins } from './origins.ts';
import { DEFAULT_PERSISTENCE_SECONDS, plainPersistence } from './persistence.ts';
import type { Findings } from './place.ts';
import { plainReal, weightOf } from './plain-real.ts';
import { plainSettings } from './plain-settings.ts';
import { readPort } from './port.ts';
import { quorumSettings } from './quorum.ts';
import { blockOf, originOf, readLevel, required, type Setting, tellWrong } from './read-values.ts';
import { plainFlags } from './scheduler-flags.ts';
import { plainSorryServer } from './sorry-server.ts';
import { parametersOf, placeOf, type Statement } from './statement.ts';
import type { TrackFiles } from './track-files.ts';
import { type Endpoint, type Groups, NO_FWMARK } from './virtual-server-group.ts';
import { VIRTUAL_SERVER_KEYWORDS, type VirtualServer } from './virtual-server-keywords.ts';

/** A service as culvert's YAML has it. */
export type PlainService = Readonly<Record<string, unknown>> & { readonly reals: readonly object[] };

export interface TranslateContext {
  readonly findings: Findings;
  readonly origins: Origins;
  readonly groups: Groups;
  readonly trackFiles: TrackFiles;
  readonly bfdInstances: BfdInstances;
  readonly scriptUser: Setting<string> | undefined;
}

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
    { keywords: VIRTUAL_SERVER_KEYWORDS, target: server, level: 'in virtual_server' },
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
  tellDefaults(statement, server, findings);
  if (endpoints.some(({ port }) => port === 0)) persistWithoutPort(statement, server, findings);
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
    const port = readPort(second, 'virtual_server', findings);
    // Told here already, as without real servers nobody else looks at it.
    if (isIP(word.text) === 0) tellWrong(statement, word, { allowed: ADDRESS, findings });
    else if (port !== undefined) return [{ address: word.text, port, origin }];
  }
  return [];
}

/** What keepalived complains of, and then takes this instead. */
function tellDefaults(statement: Statement, server: VirtualServer, findings: Findings): void {
  const told = (keyword: string, value: string): void =>
    findings.warn(placeOf(statement), `virtual_server: no ${keyword} is given; ${value}, as by keepalived`);
  const { onePacket, protocol, scheduler } = server;
  if (protocol === undefined) told('protocol', 'UDP');
  if (scheduler === undefined) told('lvs_sched', 'wlc');
  if (onePacket !== undefined && protocol !== undefined && protocol.value !== 'udp')
    findings.warn(onePacket.origin.place, 'ops: only with protocol UDP; left out, as by keepalived');
}

/** IPVS has all ports only with persistence, and so the file means it; culvert itself could do without. */
function persistWithoutPort(statement: Statement, server: VirtualServer, findings: Findings): void {
  if (server.persistenceTimeout !== undefined) return;
  server.persistenceTimeout = { value: DEFAULT_PERSISTENCE_SECONDS, origin: originOf(statement) };
  findings.warn(
    placeOf(statement),
    'virtual_server: all ports and no persistence_timeout; 6 minutes, as by keepalived',
  );
}

/** Every real server needs a tunnel, and so does the sorry server. */
function checkMethods(statement: Statement, server: VirtualServer, findings: Findings): void {
  const { reals, sorry } = server;
  const methods = [...reals, ...(sorry === undefined ? [] : [sorry])].map(
    (one) => one.tunnel ?? server.tunnel,
  );
  if (methods.includes(undefined)) findings.error(placeOf(statement), `virtual_server: ${DEFAULT_IS_NAT}`);
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
  const { origins, findings } = context;
  const path = ['services', index];
  const standard = originOf(statement);
  // keepalived leaves it open, and the kernel then takes UDP.
  const protocol = server.protocol ?? { value: 'udp', origin: standard };
  const scheduler = server.scheduler ?? {
    value: 'wlc',
    origin: { ...standard, keyword: 'lvs_sched (by default)' },
  };
  const tunnel = tunnelOf(server);
  origins.set(path, standard);
  const { address, port, origin } = endpoint;
  const persistence = plainPersistence(server, address, { statement, findings });
  tellFamily(server, endpoint, findings);
  const key = {
    vip: { value: address, origin },
    protocol,
    port: { value: port === 0 ? 'all' : port, origin },
    scheduler,
  };
  const options = {
    onePacket: protocol.value === 'udp' ? server.onePacket : undefined,
    persistence: persistence && { value: persistence, origin: server.persistenceTimeout?.origin ?? standard },
    tunnel: tunnel ?? { value: 'ipip', origin: standard },
  };
  if (server.granularity) origins.set([...path, 'persistence', 'prefix'], server.granularity.origin);
  const common = { ...context, server, tunnel, servicePort: port };
  return {
    ...plainSettings(key, path, origins),
    ...plainFlags({ flags: server.flags, scheduler: scheduler.value, path, findings, origins }),
    ...plainSettings(options, path, origins),
    ...plainEffects(server, path, context),
    ...plainSorryServer(server, {
      tunnel,
      servicePort: port,
      twinInhibits: twinInhibits(server),
      path,
      context,
    }),
    reals: server.reals.map((real, position) =>
      plainReal(real, { ...common, path: [...path, 'reals', position] }),
    ),
  };
}

function twinInhibits(server: VirtualServer): boolean | undefined {
  const twin = server.reals.find(({ address }) => address.text === server.sorry?.address.text);
  return twin && ((twin.inhibitOnFailure ?? server.inhibitOnFailure)?.value ?? false);
}

/** What follows from how many real servers are up. */
function plainEffects(server: VirtualServer, path: IssuePath, context: TranslateContext): object {
  const { onQuorumUp, onQuorumDown, omega, reals } = server;
  const { findings, origins, scriptUser } = context;
  const total = reals.reduce((sum, real) => sum + weightOf(real, server).value, 0);
  const checks = reals.flatMap((real) => real.checks);
  const grow = checks.some(({ kind, options }) => kind.type === 'file' || options.dynamic !== undefined);
  const settings = {
    ...quorumSettings(server, { total, grow }, findings),
    onQuorumUp: withUser(onQuorumUp, scriptUser),
    onQuorumDown: withUser(onQuorumDown, scriptUser),
    omega,
  };
  return plainSettings(settings, path, origins);
}

/** The virtual server's, or that of its first real server; undefined where none is one that culvert has. */
function tunnelOf({ tunnel, reals }: VirtualServer): Setting<PlainTunnel> | undefined {
  return [tunnel, ...reals.map((real) => real.tunnel)].find((found) => typeof found === 'object');
}

function tellFamily({ family }: VirtualServer, { address }: Endpoint, findings: Findings): void {
  const found = isIP(address);
  if (family !== undefined && found !== 0 && found !== family.value)
    findings.error(
      family.origin.place,
      `ip_family: the virtual server's address is IPv${found}; allowed: ${found === 4 ? 'inet' : 'inet6'}`,
    );
}
