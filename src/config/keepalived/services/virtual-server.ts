// Reads virtual servers, and translates each into services.
import { isIP } from 'node:net';
import { formatIp, parseIp } from '../../../net/address/ip-address.ts';
import { describeFound, type IssuePath } from '../../validate/issue.ts';
import type { BfdInstances } from '../checks/bfd-settings.ts';
import type { TrackFiles } from '../checks/track-files.ts';
import type { Findings } from '../text/place.ts';
import { parametersOf, placeOf, type Statement } from '../text/statement.ts';
import type { Origins } from '../values/origins.ts';
import { plainSettings } from '../values/plain-settings.ts';
import { readAddress, readPort } from '../values/port.ts';
import { withUser } from '../values/read-command.ts';
import { blockOf, IGNORED, originOf, readLevel, required, type Setting } from '../values/read-values.ts';
import { DEFAULT_IS_NAT, isTunnel, type PlainTunnel, type ReadMethod } from './forwarding-method.ts';
import { DEFAULT_PERSISTENCE_SECONDS, plainPersistence } from './persistence-settings.ts';
import { plainReal, weightOf } from './plain-real.ts';
import { quorumSettings } from './quorum-settings.ts';
import type { RealServer } from './real-server-block.ts';
import { plainFlags } from './scheduler-flag-names.ts';
import { plainSorryServer } from './sorry-server.ts';
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

/** A `virtual_server` at one address and port, and the real servers of others there. */
export interface ReadService {
  readonly statement: Statement;
  readonly server: VirtualServer;
  readonly endpoint: Endpoint;
  readonly reals: OwnedReal[];
}

/** A real server, and the virtual server whose defaults it takes. */
interface OwnedReal {
  readonly real: RealServer;
  readonly server: VirtualServer;
}

/** Reads one `virtual_server`: one service, those of its group, or none where keepalived leaves it out. */
export function readVirtualServer(statement: Statement, context: TranslateContext): ReadService[] {
  const { findings } = context;
  const endpoints = readEndpoints(statement, context);
  if (endpoints === undefined) return [];
  const [first] = endpoints;
  const family = first === undefined || isGroup(statement) ? undefined : isIP(first.address) === 6 ? 6 : 4;
  const server: VirtualServer = { timing: {}, reals: [], flags: new Map(), family };
  readLevel(
    blockOf(statement),
    { keywords: VIRTUAL_SERVER_KEYWORDS, target: server, level: 'in virtual_server' },
    findings,
  );
  dropOtherFamily(server, findings);
  dropDuplicates(server, findings);
  if (server.reals.length === 0) {
    findings.complain(
      placeOf(statement),
      'virtual_server: it has no real servers and is skipped, as in keepalived',
    );
    return [];
  }
  checkMethods(statement, server, findings);
  tellDefaults(statement, server, findings);
  if (endpoints.some(({ port }) => port === 0)) persistWithoutPort(statement, server, findings);
  const reals = server.reals.map((real) => ({ real, server }));
  return endpoints.map((endpoint) => ({ statement, server, endpoint, reals: [...reals] }));
}

function isGroup(statement: Statement): boolean {
  return parametersOf(statement)[0]?.text === 'group';
}

/** Only a tunnel reaches a real server of the other family, and keepalived decides at the end of its block (check_parser.c). */
function dropOtherFamily(server: VirtualServer, findings: Findings): void {
  const { family } = server;
  const kept = server.reals.filter(({ address, tunnel, inherited }) => {
    const fits = family === undefined || isIP(address.text) === family || isTunnel(tunnel ?? inherited);
    if (!fits)
      findings.complain(
        address.place,
        'real_server: its address family differs from that of the virtual server, and no lvs_method TUN stands before the end of its block, so it is skipped, as in keepalived; fix: move lvs_method TUN before real_server',
      );
    return fits;
  });
  server.reals.splice(0, server.reals.length, ...kept);
}

function dropDuplicates(server: VirtualServer, findings: Findings): void {
  const seen = new Set<string>();
  const kept = server.reals.filter(({ address, port }) => {
    const key = `${keyOf(address.text)} ${port?.value ?? 0}`;
    const isNew = !seen.has(key);
    seen.add(key);
    if (!isNew)
      findings.complain(
        address.place,
        'real_server: it is listed twice; the first one counts, as in keepalived',
      );
    return isNew;
  });
  server.reals.splice(0, server.reals.length, ...kept);
}

/** Returns one text for each address, in whichever form it is written. */
function keyOf(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

/** Services at one address and port are one for the kernel: the first's settings, and the real servers of all. */
export function mergeServices(services: readonly ReadService[], findings: Findings): ReadService[] {
  const merged = new Map<string, ReadService>();
  for (const service of services) {
    const { endpoint, server, statement } = service;
    const key = `${keyOf(endpoint.address)} ${endpoint.port} ${server.protocol?.value ?? 'udp'}`;
    const former = merged.get(key);
    if (former === undefined) {
      merged.set(key, service);
      continue;
    }
    const { line } = placeOf(former.statement);
    const message = `virtual_server: it has the same address, port and protocol as the one in line ${line}: the settings of that one apply, with the real servers of both`;
    // keepalived counts the virtual servers of a group itself; for others the kernel reports that the service exists.
    if (isGroup(statement)) findings.warn(placeOf(statement), message);
    else findings.complain(placeOf(statement), message);
    for (const owned of service.reals) addReal(former, owned, findings);
  }
  return [...merged.values()];
}

function addReal({ reals }: ReadService, added: OwnedReal, findings: Findings): void {
  const { address } = added.real;
  const isKnown = reals.some(({ real }) => keyOf(real.address.text) === keyOf(address.text));
  if (isKnown)
    findings.complain(address.place, 'real_server: the virtual server already has it; the first one counts');
  else reals.push(added);
}

/** Reads the addresses; undefined if keepalived leaves the virtual server out, or if it is refused. */
function readEndpoints(
  statement: Statement,
  { findings, groups }: TranslateContext,
): readonly Endpoint[] | undefined {
  const word = required(statement, 'an address and a port, or group and its name', findings);
  if (word === undefined) return undefined;
  const [, second, third] = parametersOf(statement);
  if (third !== undefined) findings.warn(third.place, `virtual_server: found '${third.text}'; ${IGNORED}`);
  const skipped = 'the virtual server is skipped, as in keepalived';
  if (word.text === 'fwmark') {
    findings.error(word.place, `virtual_server fwmark: ${NO_FWMARK}`);
    return [];
  }
  if (word.text === 'group') {
    const group = groups.get(second?.text ?? '');
    if (group !== undefined) return group;
    const known = [...groups.keys()].join(', ') || 'none is defined';
    const place = second?.place ?? word.place;
    const message = `virtual_server group: found ${describeFound(second?.text)}; allowed: the name of a virtual_server_group (${known})`;
    if (second === undefined) findings.error(place, message);
    else findings.complain(place, `${message}; ${skipped}`);
    return undefined;
  }
  const port = readPort(second, { statement, skipped }, findings);
  const address = port === undefined ? undefined : readAddress(word, { statement, skipped }, findings);
  if (port === undefined || address === undefined) return undefined;
  return [{ address: address.text, port, origin: originOf(statement, word) }];
}

/** Warns of missing settings for which keepalived uses a default. */
function tellDefaults(statement: Statement, server: VirtualServer, findings: Findings): void {
  const told = (keyword: string, value: string): void =>
    findings.complain(
      placeOf(statement),
      `virtual_server: ${keyword} is missing; read as ${value}, as in keepalived`,
    );
  const { onePacket, protocol, scheduler } = server;
  if (protocol === undefined) told('protocol', 'UDP');
  if (scheduler === undefined) told('lvs_sched', 'wlc');
  if (onePacket !== undefined && protocol !== undefined && protocol.value !== 'udp')
    findings.complain(
      onePacket.origin.place,
      'ops: only allowed with protocol UDP; ignored, as in keepalived',
    );
}

/** IPVS has all ports only with persistence, and so the file means it; culvert itself could do without. */
function persistWithoutPort(statement: Statement, server: VirtualServer, findings: Findings): void {
  if (server.persistenceTimeout !== undefined) return;
  server.persistenceTimeout = { value: DEFAULT_PERSISTENCE_SECONDS, origin: originOf(statement) };
  findings.complain(
    placeOf(statement),
    'virtual_server: all ports without persistence_timeout; 6 minutes are used, as in keepalived',
  );
}

/** Every real server needs a tunnel, and so does the sorry server; a method that none of them uses does no harm. */
function checkMethods(statement: Statement, server: VirtualServer, findings: Findings): void {
  const { reals, sorry } = server;
  for (const one of [...reals, ...(sorry === undefined ? [] : [sorry])]) {
    const method = methodOf(one, server);
    if (method === undefined) findings.error(placeOf(statement), `virtual_server: ${DEFAULT_IS_NAT}`);
    else if (!isTunnel(method)) findings.error(method.place, method.message);
  }
}

/** A real server's own, what the virtual server said before it, or what it says at last (alloc_rs()). */
function methodOf(
  {
    tunnel,
    inherited,
  }: { readonly tunnel?: ReadMethod | undefined; readonly inherited?: ReadMethod | undefined },
  server: VirtualServer,
): ReadMethod | undefined {
  return tunnel ?? inherited ?? server.tunnel;
}

/** A service as culvert's YAML has it; `index` is its place among all. */
export function plainService(
  { statement, server, endpoint, reals }: ReadService,
  index: number,
  context: TranslateContext,
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
  const common = { ...context, tunnel, servicePort: port };
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
    reals: reals.map(({ real, server: owner }, position) => {
      const method = methodOf(real, owner);
      return plainReal(
        { ...real, tunnel: method },
        { ...common, server: owner, path: [...path, 'reals', position] },
      );
    }),
  };
}

function twinInhibits(server: VirtualServer): boolean | undefined {
  const twin = server.reals.find(({ address }) => address.text === server.sorry?.address.text);
  return twin && ((twin.inhibitOnFailure ?? server.inhibitOnFailure)?.value ?? false);
}

/** The quorum settings and commands of the service. */
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
function tunnelOf(server: VirtualServer): Setting<PlainTunnel> | undefined {
  return [server.tunnel, ...server.reals.map((real) => methodOf(real, server))].find(isTunnel);
}
