// Prints tables as `ipvsadm -L` does.
import type { AdmTunnel, Listing } from '../parse/ipvsadm-command.ts';
import { netmaskText } from '../parse/netmask.ts';
import { countText } from './count-text.ts';
import { endpointColumn } from './endpoint-text.ts';
import type { Names } from './host-names.ts';
import type { ListedServer, ListedService } from './listed.ts';
import { sortServices } from './order.ts';

/** A way of listing: what heads the columns, what a service has behind its name, and a real behind its own. */
interface Mode {
  readonly title: readonly string[];
  service(name: string, service: ListedService): string;
  server(server: ListedServer): string;
}

/** The version line that ipvsadm prints above the whole table. */
export const VERSION_LINE = 'IP Virtual Server version 1.2.1 (size=4096)\n';

const LOCAL = 'Prot LocalAddress:Port';
const REMOTE = '  -> RemoteAddress:Port';

/** The services in the columns that `listing` asks for. @param names Undefined: numbers. */
export function tableText(
  services: readonly ListedService[],
  listing: Omit<Listing, 'what' | 'numeric'>,
  names: Names | undefined,
): string {
  const mode = modeOf(listing);
  const shown = listing.sorted ? sortServices(services) : services;
  return [
    ...mode.title,
    ...shown.flatMap((service) => [
      mode.service(serviceName(service, names), service),
      ...service.servers.map((server) => `${serverName(server, service, names)}${mode.server(server)}`),
    ]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** Statistics come before rates, and so on: the first one that is asked for is shown. */
function modeOf({ stats, rate, thresholds, persistentConnections, tunnelInfo, exact }: ModeOptions): Mode {
  if (stats) return trafficMode(['Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes'], 'counted', exact);
  if (rate) return trafficMode(['CPS', 'InPPS', 'OutPPS', 'InBPS', 'OutBPS'], 'perSecond', exact);
  if (thresholds) return THRESHOLDS;
  if (persistentConnections) return PERSISTENCE;
  return tunnelInfo ? TUNNELS : PLAIN;
}

type ModeOptions = Omit<Listing, 'what' | 'numeric' | 'sorted'>;

const PLAIN: Mode = {
  title: [`${LOCAL} Scheduler Flags`, `${REMOTE}           Forward Weight ActiveConn InActConn`],
  service: settingsText,
  server: ({ weight, activeFlows, inactiveFlows }) =>
    columns([7, 'Tunnel'], [6, weight], [10, activeFlows], [10, inactiveFlows]),
};

const TUNNELS: Mode = {
  title: [
    `${LOCAL} Scheduler Flags`,
    `${REMOTE}           Forward TunnelInfo    Weight ActiveConn InActConn`,
  ],
  service: settingsText,
  server: ({ tunnel, weight, activeFlows, inactiveFlows }) =>
    columns([7, 'Tunnel'], [13, tunnelText(tunnel)], [6, weight], [10, activeFlows], [10, inactiveFlows]),
};

const THRESHOLDS: Mode = {
  title: [`${LOCAL.padEnd(33)} Uthreshold Lthreshold ActiveConn InActConn `, REMOTE],
  service: settingsText,
  server: ({ upperThreshold, lowerThreshold, activeFlows, inactiveFlows }) =>
    columns([10, upperThreshold], [10, lowerThreshold], [10, activeFlows], [10, inactiveFlows]),
};

const PERSISTENCE: Mode = {
  title: [`${LOCAL.padEnd(33)} Weight    PersistConn ActiveConn InActConn `, REMOTE],
  service: settingsText,
  server: ({ weight, persistentClients, activeFlows, inactiveFlows }) =>
    columns([9, weight], [11, persistentClients], [10, activeFlows], [10, inactiveFlows]),
};

/** Returns the columns of traffic. Answers do not pass the director, so nothing is counted as outgoing. */
function trafficMode(headers: readonly string[], which: 'counted' | 'perSecond', exact: boolean): Mode {
  const numbers = (of: ListedServer | ListedService): string => {
    const { connections, packets, bytes } = of[which];
    return [connections, packets, 0, bytes, 0].map((count) => countText(count, exact)).join('');
  };
  const title = LOCAL.padEnd(33) + headers.map((header) => ` ${header.padStart(8)}`).join('');
  return {
    title: [title, REMOTE],
    service: (name, service) => `${name.padEnd(33)}${numbers(service)}`,
    server: numbers,
  };
}

function serviceName(service: ListedService, names: Names | undefined): string {
  const { protocol } = service;
  return `${protocol.toUpperCase().padEnd(4)} ${endpointColumn(service, protocol, names)}`;
}

/** A tunnel leads to the port of the service. */
function serverName({ address }: ListedServer, service: ListedService, names: Names | undefined): string {
  const endpoint = { address, port: service.port };
  return `  -> ${endpointColumn(endpoint, service.protocol, names).padEnd(28)}`;
}

/** Scheduler, flags and what else there is; the further ports of a service are culvert's own. */
function settingsText(name: string, { settings, address, morePorts }: ListedService): string {
  const { scheduler, flags, persistence, onePacket } = settings;
  const mask = persistence?.prefix === undefined ? undefined : netmaskText(persistence.prefix, address);
  return [
    name,
    scheduler,
    ...(flags.length === 0 ? [] : [`(${flags.join(',')})`]),
    ...(persistence === undefined ? [] : [`persistent ${persistence.seconds}`]),
    ...(mask === undefined ? [] : [`mask ${mask}`]),
    ...(onePacket ? ['ops'] : []),
    ...(morePorts.length === 0 ? [] : [`ports +${morePorts.join(',')}`]),
  ].join(' ');
}

/** `gue:6080:-c`: without checksums, `+c` with them, `r+c` remote ones. */
function tunnelText({ type, port, checksum }: AdmTunnel): string {
  if (type === 'ipip') return type;
  const sign = { none: '-c', full: '+c', remote: 'r+c' }[checksum];
  return type === 'gue' ? `${type}:${port}:${sign}` : `${type}:${sign}`;
}

/** Each in a column as wide as this, a space before it. */
function columns(...cells: readonly (readonly [width: number, value: string | number])[]): string {
  return cells.map(([width, value]) => ` ${String(value).padEnd(width)}`).join('');
}
