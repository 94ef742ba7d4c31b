// Prints services as `ipvsadm -S` does.
import { netmaskText } from '../parse/netmask.ts';
import { endpointText } from './endpoint-text.ts';
import type { Names } from './host-names.ts';
import type { ListedServer, ListedService } from './listed.ts';
import { sortServices } from './order.ts';

const PROTOCOL_OPTIONS = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;

/**
 * Lines that `ipvsadm -R` reads. Thresholds are among them, which ipvsadm itself leaves out; a service of several ports is one
 * service for each of them.
 */
export function rulesText(services: readonly ListedService[], names: Names | undefined): string {
  return sortServices(services.flatMap(byPort))
    .flatMap((service) => serviceRules(service, names))
    .map((line) => `${line}\n`)
    .join('');
}

function byPort(service: ListedService): ListedService[] {
  return [service.port, ...service.morePorts].map((port) => ({ ...service, port, morePorts: [] }));
}

function serviceRules(service: ListedService, names: Names | undefined): string[] {
  const { protocol, address, settings, port } = service;
  const { scheduler, flags, persistence, onePacket } = settings;
  const name = `${PROTOCOL_OPTIONS[protocol]} ${endpointText(service, protocol, names)}`;
  const mask = persistence?.prefix === undefined ? undefined : netmaskText(persistence.prefix, address);
  const rule = [
    `-A ${name} -s ${scheduler}`,
    ...(persistence === undefined ? [] : [`-p ${persistence.seconds}`]),
    ...(mask === undefined ? [] : [`-M ${mask}`]),
    ...(onePacket ? ['-o'] : []),
    ...(flags.length === 0 ? [] : [`-b ${flags.join(',')}`]),
  ];
  const servers = service.servers.map((server) => {
    const real = endpointText({ address: server.address, port }, protocol, names);
    return `-a ${name} -r ${real} ${serverOptions(server)}`;
  });
  return [rule.join(' '), ...servers];
}

function serverOptions({ weight, upperThreshold, lowerThreshold, tunnel }: ListedServer): string {
  const { type, port, checksum } = tunnel;
  const option = { none: '--tun-nocsum', full: '--tun-csum', remote: '--tun-remcsum' }[checksum];
  return [
    `-i -w ${weight}`,
    ...(upperThreshold > 0 ? [`-x ${upperThreshold}`] : []),
    ...(lowerThreshold > 0 ? [`-y ${lowerThreshold}`] : []),
    `--tun-type ${type}`,
    ...(type === 'gue' ? [`--tun-port ${port}`] : []),
    ...(type === 'ipip' ? [] : [option]),
  ].join(' ');
}
