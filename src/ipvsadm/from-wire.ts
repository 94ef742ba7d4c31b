import type {
  WireFlow,
  WireReal,
  WireRealStats,
  WireService,
  WireServiceStats,
  WireStatus,
} from '../api/wire.ts';
import type { Tunnel } from '../forwarding/table.ts';
import type { AdmTunnel } from './command.ts';
import type { ListedConnection, ListedServer, ListedService } from './listed.ts';

/** The services of a director as ipvsadm lists them. */
export function listedServices({ services, stats }: WireStatus): ListedService[] {
  const counted = new Map(stats.services.map((service) => [keyOf(service), service]));
  return services.map((service) => listedService(service, counted.get(keyOf(service))));
}

/** The same with the weights that are configured, whatever holds for the moment: what is to be saved. */
export function withConfiguredWeights(
  services: readonly ListedService[],
  { services: wire }: WireStatus,
): ListedService[] {
  return services.map((service, index) => ({
    ...service,
    servers: service.servers.map((server, at) => ({
      ...server,
      weight: wire[index]?.reals[at]?.configuredWeight ?? server.weight,
    })),
  }));
}

export function listedConnection(flow: WireFlow): ListedConnection {
  return {
    protocol: flow.service.protocol,
    // Not noted yet, see WireFlow.
    client: flow.client ?? '::',
    clientPort: flow.clientPort,
    service: flow.service.vip,
    servicePort: flow.service.port,
    server: flow.real,
    // As the kernel calls a template that nobody has used yet.
    state: flow.state === 'TEMPLATE' ? 'NONE' : flow.state,
    leftMs: flow.leftMs,
  };
}

const NOTHING = { connections: 0, packets: 0, bytes: 0 };

function listedService(service: WireService, stats: WireServiceStats | undefined): ListedService {
  const { scheduler, onePacket, persistence, morePorts } = service;
  const { protocol, vip: address, port } = service.service;
  const counted = new Map(stats?.reals.map((real) => [real.address, real]));
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
    counted: stats?.sinceZero ?? NOTHING,
    perSecond: stats?.perSecond ?? NOTHING,
    servers: service.reals.map((real) => listedServer(real, service.tunnel, counted.get(real.address))),
  };
}

/** culvert's mh has no flag for what it does anyway: to pass over reals that cannot serve. */
function flagsOf({ scheduler, schedulerFlags, hashOn }: WireService): readonly string[] {
  if (scheduler === 'mh') return hashOn === 'flow' ? ['mh-port'] : [];
  return scheduler === 'sh' ? schedulerFlags.toSorted() : [];
}

function listedServer(real: WireReal, usual: Tunnel, stats: WireRealStats | undefined): ListedServer {
  const { address, upperThreshold, lowerThreshold, activeFlows, inactiveFlows, persistentClients } = real;
  return {
    address,
    tunnel: admTunnel(real.tunnel ?? usual),
    weight: real.effectiveWeight,
    upperThreshold,
    lowerThreshold,
    activeFlows,
    inactiveFlows,
    persistentClients,
    counted: stats?.sinceZero ?? NOTHING,
    perSecond: stats?.perSecond ?? NOTHING,
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
