import {
  type BlackholePolicy,
  type Claim,
  DEFAULT_SCTP_TIMEOUTS,
  DEFAULT_TIME_WAIT_MS,
  DEFAULT_TIMEOUTS,
  type FlowTimeouts,
  type Persistence,
  type SchedulerFlag,
  type SctpTimeouts,
  type TransportProtocol,
} from '../../forwarding/forwarding-table.ts';
import { DEFAULT_CAPACITY } from '../../forwarding/image/tables/memory.ts';
import { ip, isIpv4 } from '../../net/address/ip-address.ts';
import type {
  CulvertConfig,
  DirectorConfig,
  RealConfig,
  ServiceConfig,
  SorryServerConfig,
} from '../schema/config.ts';
import { fillInListen } from '../schema/listen-schema.ts';
import type { WrittenPorts } from '../schema/ports.ts';
import type {
  WrittenConfig,
  WrittenDefaults,
  WrittenDirector,
  WrittenReal,
  WrittenSctpTimeouts,
  WrittenService,
  WrittenServiceOptions,
  WrittenSorryServer,
  WrittenTimeouts,
} from '../schema/written-config.ts';
import { mergeChecks, saysOfChecks } from './fill-in-check.ts';
import { fillInRealEffects, fillInServiceEffects } from './fill-in-effects.ts';
import { fillInTunnel } from './fill-in-tunnel.ts';

export const DEFAULT_BLACKHOLE: BlackholePolicy = { policy: 'cure', after: 2 };
export const DEFAULT_WEIGHT = 100;

/** Gives everything that was left out its default: the service's, that of `defaults`, or culvert's. */
export function fillIn(written: WrittenConfig): CulvertConfig {
  const defaults = written.defaults ?? {};
  return {
    director: fillInDirector(written.director),
    services: written.services.map((service) => fillInService(service, defaults, written.director.claim)),
  };
}

function fillInDirector(written: WrittenDirector): DirectorConfig {
  const interfaces = written.interfaces ?? (written.interface === undefined ? [] : [written.interface]);
  const name = interfaces[0] ?? 'simulated';
  return {
    interface: name,
    interfaces,
    plane: written.plane ?? 'xdp',
    instance: written.instance ?? name,
    hashSeed: written.hashSeed?.toLowerCase(),
    timeouts: fillInTimeouts(written.timeouts ?? {}),
    expireNodestConn: written.expireNodestConn ?? true,
    expireQuiescentTemplate: written.expireQuiescentTemplate ?? false,
    sloppyTcp: written.sloppyTcp ?? false,
    claim: written.claim ?? 'always',
    capacity: {
      slots: written.capacity?.slots ?? DEFAULT_CAPACITY.slots,
      flows: written.capacity?.flows ?? DEFAULT_CAPACITY.flows,
    },
    listen: written.listen && fillInListen(written.listen),
    metricsListen: written.metricsListen && fillInListen(written.metricsListen),
    stateDirectory: written.stateDirectory ?? '/var/lib/culvert',
    runDirectory: written.runDirectory ?? '/run/culvert',
  };
}

function fillInTimeouts(written: WrittenTimeouts): FlowTimeouts {
  return {
    establishedMs: written.tcp ?? DEFAULT_TIMEOUTS.establishedMs,
    finWaitMs: written.tcpFin ?? DEFAULT_TIMEOUTS.finWaitMs,
    synRecvMs: written.synRecv ?? DEFAULT_TIMEOUTS.synRecvMs,
    udpMs: written.udp ?? DEFAULT_TIMEOUTS.udpMs,
    closeMs: written.close ?? DEFAULT_TIMEOUTS.closeMs,
    timeWaitMs: written.timeWait ?? DEFAULT_TIME_WAIT_MS,
    sctp: fillInSctpTimeouts(written.sctp ?? {}),
  };
}

function fillInSctpTimeouts(written: WrittenSctpTimeouts): SctpTimeouts {
  return {
    init1Ms: written.init1 ?? DEFAULT_SCTP_TIMEOUTS.init1Ms,
    initMs: written.init ?? DEFAULT_SCTP_TIMEOUTS.initMs,
    cookieEchoedMs: written.cookieEchoed ?? DEFAULT_SCTP_TIMEOUTS.cookieEchoedMs,
    establishedMs: written.established ?? DEFAULT_SCTP_TIMEOUTS.establishedMs,
    shutdownMs: written.shutdown ?? DEFAULT_SCTP_TIMEOUTS.shutdownMs,
    closedMs: written.closed ?? DEFAULT_SCTP_TIMEOUTS.closedMs,
  };
}

function fillInService(
  service: WrittenService,
  defaults: WrittenDefaults,
  claim: Claim = 'always',
): ServiceConfig {
  const protocol = service.protocol ?? 'tcp';
  const [port = 0, ...morePorts] = portList(service.port);
  return {
    vip: ip(service.vip),
    protocol,
    port,
    morePorts,
    scheduler: service.scheduler ?? defaults.scheduler ?? 'mh',
    schedulerFlags: flagsOf(service, defaults),
    hashOn: service.hashOn ?? defaults.hashOn ?? 'flow',
    onePacket: service.onePacket ?? false,
    persistence: fillInPersistence(service),
    tunnel: fillInTunnel(service.tunnel ?? defaults.tunnel ?? 'ipip'),
    blackhole: mergeBlackhole([defaults.blackhole, service.blackhole]),
    claim: service.claim ?? claim,
    ...fillInServiceEffects(service, defaults),
    sorryServer: service.sorryServer && fillInSorryServer(service.sorryServer, defaults),
    reals: service.reals.map((real) => fillInReal(real, { service, defaults, protocol })),
  };
}

function portList(written: WrittenPorts): readonly number[] {
  if (written === 'all') return [0];
  return typeof written === 'number' ? [written] : written;
}

/** Flags belong to the scheduler that they stand beside: a service that names another one has none of `defaults`. */
function flagsOf(service: WrittenService, defaults: WrittenServiceOptions): readonly SchedulerFlag[] {
  const own = service.scheduler !== undefined && service.scheduler !== defaults.scheduler;
  return service.schedulerFlags ?? (own ? [] : (defaults.schedulerFlags ?? []));
}

function fillInPersistence({ persistence, vip }: WrittenService): Persistence | undefined {
  if (persistence === undefined) return undefined;
  const { timeout, prefix } = typeof persistence === 'number' ? { timeout: persistence } : persistence;
  return { timeoutMs: timeout, prefixLength: prefix ?? (isIpv4(ip(vip)) ? 32 : 128) };
}

interface RealContext {
  readonly service: WrittenService;
  readonly defaults: WrittenDefaults;
  readonly protocol: TransportProtocol;
}

function fillInReal(real: WrittenReal, { service, defaults, protocol }: RealContext): RealConfig {
  // A TCP connection to the port of a UDP or SCTP service proves nothing unless someone has said that it does.
  const asked = protocol === 'tcp' || saysOfChecks(service) || saysOfChecks(real);
  return {
    address: ip(real.address),
    weight: real.weight ?? defaults.weight ?? DEFAULT_WEIGHT,
    upperThreshold: real.upperThreshold ?? 0,
    lowerThreshold: real.lowerThreshold ?? 0,
    tunnel: real.tunnel === undefined ? undefined : fillInTunnel(real.tunnel),
    checks: asked ? mergeChecks([defaults, service, real]) : [],
    ...fillInRealEffects(real, { service, defaults }),
  };
}

function fillInSorryServer(written: WrittenSorryServer, defaults: WrittenDefaults): SorryServerConfig {
  return {
    address: ip(written.address),
    weight: written.weight ?? defaults.weight ?? DEFAULT_WEIGHT,
    tunnel: written.tunnel === undefined ? undefined : fillInTunnel(written.tunnel),
    inhibit: written.inhibit ?? false,
  };
}

function mergeBlackhole(levels: readonly WrittenServiceOptions['blackhole'][]): BlackholePolicy {
  return levels.reduce<BlackholePolicy>((merged, level) => {
    const { policy, after } = typeof level === 'string' ? { policy: level } : (level ?? {});
    return { policy: policy ?? merged.policy, after: after ?? merged.after };
  }, DEFAULT_BLACKHOLE);
}
