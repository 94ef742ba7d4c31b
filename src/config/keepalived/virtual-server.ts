import { isIP } from 'node:net';
import { describeFound } from '../issue.ts';
import { type OwnFaults, plainCheck } from './checks.ts';
import { DEFAULT_IS_NAT, type PlainTunnel } from './forwarding-method.ts';
import type { Origins } from './origins.ts';
import { plainPersistence } from './persistence.ts';
import type { Findings } from './place.ts';
import { blockOf, originOf, readLevel, required, type Setting } from './read-values.ts';
import type { RealServer } from './real-server.ts';
import { plainFlags } from './scheduler-flags.ts';
import { parametersOf, placeOf, type Statement } from './statement.ts';
import { mergeTiming } from './timing.ts';
import { type Endpoint, type Groups, NO_FWMARK, readPort } from './virtual-server-group.ts';
import { VIRTUAL_SERVER_KEYWORDS, type VirtualServer } from './virtual-server-keywords.ts';

/** A service as culvert's YAML has it. */
export type PlainService = Readonly<Record<string, unknown>> & { readonly reals: readonly object[] };

export interface TranslateContext {
  readonly findings: Findings;
  readonly origins: Origins;
  readonly groups: Groups;
  readonly ownFaults: OwnFaults;
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
    const port = readPort(second, 'virtual_server', findings);
    if (port !== undefined) return [{ address: word.text, port, origin }];
  }
  return [];
}

/** Every real server needs a tunnel. */
function checkMethods(statement: Statement, server: VirtualServer, findings: Findings): void {
  const methods = server.reals.map((real) => real.tunnel ?? server.tunnel);
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
  const parts = { vip: endpoint, protocol, scheduler, tunnel, persistence: server.persistenceTimeout };
  for (const [name, part] of Object.entries(parts)) origins.set([...path, name], part?.origin ?? standard);
  if (server.granularity) origins.set([...path, 'persistence', 'prefix'], server.granularity.origin);
  if (server.onePacket) origins.set([...path, 'onePacket'], server.onePacket.origin);
  const persistence = plainPersistence(server, endpoint.address, { statement, findings });
  tellFamily(server, endpoint, findings);
  return {
    vip: endpoint.address,
    protocol: protocol.value,
    port: endpoint.port === 0 ? 'all' : endpoint.port,
    scheduler: scheduler.value,
    ...plainFlags({ flags: server.flags, scheduler: scheduler.value, path, findings, origins }),
    ...(server.onePacket ? { onePacket: true } : {}),
    ...(persistence === undefined ? {} : { persistence }),
    tunnel: tunnel?.value ?? 'ipip',
    reals: server.reals.map((real, position) =>
      plainReal(real, { server, endpoint, path: [...path, 'reals', position], context }),
    ),
  };
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

interface RealParts {
  readonly server: VirtualServer;
  readonly endpoint: Endpoint;
  readonly path: readonly (string | number)[];
  readonly context: TranslateContext;
}

function plainReal(real: RealServer, parts: RealParts): object {
  const { server, path, context } = parts;
  const { origins } = context;
  const origin = { place: real.address.place, keyword: 'real_server' };
  origins.set(path, origin);
  const weight = real.weight ?? server.weight ?? { value: 1, origin };
  const { upperThreshold, lowerThreshold } = real;
  const own = typeof real.tunnel === 'object' ? real.tunnel : undefined;
  const common = JSON.stringify(tunnelOf(server)?.value) === JSON.stringify(own?.value);
  const settings = { weight, upperThreshold, lowerThreshold, tunnel: common ? undefined : own };
  const plain: Record<string, unknown> = { address: real.address.text };
  for (const [name, setting] of Object.entries(settings)) {
    if (setting === undefined) continue;
    plain[name] = setting.value;
    origins.set([...path, name], setting.origin);
  }
  return { ...plain, check: plainCheckOf(real, parts) };
}

function plainCheckOf(real: RealServer, { server, endpoint, path, context }: RealParts): unknown {
  const { findings, origins, ownFaults } = context;
  const other = real.port !== undefined && real.port.value !== endpoint.port ? real.port : undefined;
  if (other !== undefined && endpoint.port !== 0)
    findings.warn(
      other.word.place,
      `real_server: a tunnel leaves the port as it is, so port ${other.value} is not used but ${endpoint.port}, as by keepalived`,
    );
  const [check] = real.checks;
  if (check === undefined) return 'none';
  const { address } = check;
  if (address !== undefined && address.value !== real.address.text)
    findings.error(
      address.origin.place,
      `connect_ip: culvert checks the real server itself; allowed: ${real.address.text}`,
    );
  // keepalived checks the port that is written, although the traffic goes to another.
  const origin = { place: real.address.place, keyword: 'real_server' };
  if (other !== undefined) check.port ??= { value: other.value, origin };
  const around = mergeTiming(server.timing, real.timing);
  return plainCheck(check, around, { path: [...path, 'check'], origins, ownFaults });
}
