// The state of a director as ipvsadm lists it.
import type { WireRealStats, WireStatus } from '../../contract/api/director-status.ts';
import type { WireFlow } from '../../contract/api/flow.ts';
import type { WireReal, WireService } from '../../contract/api/service-status.ts';
import type { Tunnel } from '../../forwarding/forwarding-table.ts';
import type { AdmTunnel } from '../parse/ipvsadm-command.ts';
import type { ListedConnection, ListedServer, ListedService } from './listed.ts';

/** The services of a director as ipvsadm lists them. */
export function listedServices(status: WireStatus): ListedService[] {
  return list(status, (service) => [
    ...service.reals.map((real) => ({ ...real, weight: real.effectiveWeight })),
    ...sorryInUse(service),
  ]);
}

/** The same as they are configured, whatever holds for the moment: what is to be saved. */
export function savedServices(status: WireStatus): ListedService[] {
  return list(status, ({ reals }) => reals.map((real) => ({ ...real, weight: real.configuredWeight })));
}

export function listedConnection(flow: WireFlow): ListedConnection {
  return {
    protocol: flow.service.protocol,
    // The client is not noted yet, see WireFlow.
    client: flow.client ?? '::',
    clientPort: flow.clientPort,
    service: flow.service.vip,
    servicePort: flow.service.port,
    server: flow.real,
    // The kernel's name of a template that no flow has used yet.
    state: flow.state === 'TEMPLATE' ? 'NONE' : flow.state,
    leftMs: flow.leftMs,
  };
}

/** A line of the listing: a real, or a sorry server that serves. */
type Listable = Omit<ListedServer, 'tunnel' | 'counted' | 'perSecond'> & Pick<WireReal, 'tunnel'>;

const NOTHING = { connections: 0, packets: 0, bytes: 0 };
const NOT_COUNTED = { sinceZero: NOTHING, perSecond: NOTHING, reals: [] };

function list(
  { services, stats }: WireStatus,
  serversOf: (service: WireService) => readonly Listable[],
): ListedService[] {
  const counted = new Map(stats.services.map((service) => [keyOf(service), service]));
  return services.map((service) => {
    const { reals, ...totals } = counted.get(keyOf(service)) ?? NOT_COUNTED;
    const known = new Map(reals.map((real) => [real.address, real]));
    return {
      ...listedService(service, totals),
      servers: serversOf(service).map((real) => listedServer(real, service.tunnel, known.get(real.address))),
    };
  });
}

/** Lists a sorry server as a real while it serves, as keepalived does. */
function sorryInUse({ sorryServer, reals }: WireService): Listable[] {
  if (sorryServer?.serving !== true || reals.some(({ address }) => address === sorryServer.address))
    return [];
  return [{ ...sorryServer, upperThreshold: 0, lowerThreshold: 0 }];
}

function listedService(
  service: WireService,
  { sinceZero, perSecond }: Pick<WireRealStats, 'sinceZero' | 'perSecond'>,
): Omit<ListedService, 'servers'> {
  const { scheduler, onePacket, persistence, morePorts } = service;
  const { protocol, vip: address, port } = service.service;
  return {
    protocol,
    address,
    port,
    morePorts,
    settings: {
      scheduler,
      flags: flagsOf(service),
      persistence:
        persistence === null
          ? undefined
          : { seconds: Math.floor(persistence.timeoutMs / 1000), prefix: persistence.prefixLength },
      onePacket,
    },
    counted: sinceZero,
    perSecond,
  };
}

/** culvert's mh has no flag for what it does anyway: to pass over reals that cannot serve. */
function flagsOf({ scheduler, schedulerFlags, hashOn }: WireService): readonly string[] {
  if (scheduler === 'mh') return hashOn === 'flow' ? ['mh-port'] : [];
  return scheduler === 'sh' ? schedulerFlags.toSorted() : [];
}

function listedServer(
  real: Listable,
  usual: Tunnel,
  stats: Pick<WireRealStats, 'sinceZero' | 'perSecond'> = NOT_COUNTED,
): ListedServer {
  const { address, weight, upperThreshold, lowerThreshold } = real;
  const { activeFlows, inactiveFlows, persistentClients } = real;
  return {
    address,
    tunnel: admTunnel(real.tunnel ?? usual),
    weight,
    upperThreshold,
    lowerThreshold,
    activeFlows,
    inactiveFlows,
    persistentClients,
    counted: stats.sinceZero,
    perSecond: stats.perSecond,
  };
}

function admTunnel(tunnel: Tunnel): AdmTunnel {
  return tunnel.type === 'ipip'
    ? { type: 'ipip', port: 0, checksum: 'none' }
    : { type: tunnel.type, port: tunnel.type === 'gue' ? tunnel.port : 0, checksum: tunnel.checksum };
}

function keyOf({ service }: { readonly service: WireService['service'] }): string {
  return `${service.protocol} ${service.vip} ${service.port}`;
}
