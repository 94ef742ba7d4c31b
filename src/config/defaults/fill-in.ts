// Gives every option that was left out its default: the service's, that of `defaults`, or culvert's.
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { WrittenConfig } from '../../contract/config/config-schema.ts';
import {
  type DirectorConfig,
  directorShape,
  type WrittenDirector,
  type WrittenSctpTimeouts,
  type WrittenTimeouts,
} from '../../contract/config/director-contract.ts';
import { fillInListen } from '../../contract/config/listen-schema.ts';
import { type RealConfig, realShape, type WrittenReal } from '../../contract/config/real-contract.ts';
import {
  type ServiceConfig,
  type SorryServerConfig,
  serviceShape,
  type WrittenDefaults,
  type WrittenService,
  type WrittenSorryServer,
} from '../../contract/config/service-contract.ts';
import { fillInTunnel, mergeBlackhole } from '../../contract/config/tunnel-contract.ts';
import { fill } from '../../contract/option.ts';
import { portList } from '../../contract/values/ports.ts';
import {
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
import { mergeChecks, saysOfChecks } from './fill-in-check.ts';
import { innermostCommand } from './fill-in-command.ts';

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
    ...fill(directorShape, written),
    interface: name,
    interfaces,
    instance: written.instance ?? name,
    hashSeed: written.hashSeed?.toLowerCase(),
    timeouts: fillInTimeouts(written.timeouts ?? {}),
    capacity: {
      slots: written.capacity?.slots ?? DEFAULT_CAPACITY.slots,
      flows: written.capacity?.flows ?? DEFAULT_CAPACITY.flows,
    },
    listen: written.listen && fillInListen(written.listen),
    metricsListen: written.metricsListen && fillInListen(written.metricsListen),
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
  const filled = fill(serviceShape, service, defaults);
  const { protocol } = filled;
  const [port = 0, ...morePorts] = portList(service.port);
  return {
    ...filled,
    vip: ip(service.vip),
    port,
    morePorts,
    schedulerFlags: flagsOf(service, defaults),
    persistence: fillInPersistence(service),
    tunnel: fillInTunnel(service.tunnel ?? defaults.tunnel ?? 'ipip'),
    blackhole: mergeBlackhole([defaults.blackhole, service.blackhole]),
    claim: service.claim ?? claim,
    onQuorumUp: innermostCommand(service.onQuorumUp, defaults.onQuorumUp),
    onQuorumDown: innermostCommand(service.onQuorumDown, defaults.onQuorumDown),
    sorryServer: service.sorryServer && fillInSorryServer(service.sorryServer, defaults),
    reals: service.reals.map((real) => fillInReal(real, { service, defaults, protocol })),
  };
}

/** Flags belong to the scheduler that they stand beside: a service that names another one has none of `defaults`. */
function flagsOf(service: WrittenService, defaults: WrittenDefaults): readonly SchedulerFlag[] {
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
    ...fill(realShape, real, service, defaults),
    address: ip(real.address),
    tunnel: real.tunnel === undefined ? undefined : fillInTunnel(real.tunnel),
    checks: asked ? mergeChecks([defaults, service, real]) : [],
    onUp: innermostCommand(real.onUp, service.onUp, defaults.onUp),
    onDown: innermostCommand(real.onDown, service.onDown, defaults.onDown),
  };
}

function fillInSorryServer(written: WrittenSorryServer, defaults: WrittenDefaults): SorryServerConfig {
  return {
    address: ip(written.address),
    weight: written.weight ?? fill(realShape, defaults).weight,
    tunnel: written.tunnel === undefined ? undefined : fillInTunnel(written.tunnel),
    inhibit: written.inhibit ?? false,
  };
}
