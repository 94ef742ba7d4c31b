// Gives every option that was left out its default: the service's, that of `defaults`, or culvert's.
import type { CulvertConfig } from '../../contract/config/config.ts';
import type { WrittenConfig } from '../../contract/config/config-schema.ts';
import {
  capacityShape,
  type DirectorConfig,
  directorShape,
  sctpTimeoutsShape,
  timeoutsShape,
  type WrittenDirector,
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
import { fillInSync } from '../../contract/config/sync-contract.ts';
import { fillInTunnel, mergeBlackhole } from '../../contract/config/tunnel-contract.ts';
import { fill } from '../../contract/option.ts';
import { portList } from '../../contract/values/ports.ts';
import type {
  Claim,
  FlowTimeouts,
  Persistence,
  SchedulerFlag,
  TransportProtocol,
} from '../../forwarding/forwarding-table.ts';
import { ip, isIpv4 } from '../../net/address/ip-address.ts';
import { mergeChecks, saysOfChecks } from './fill-in-check.ts';
import { innermostCommand } from './fill-in-command.ts';

export function fillIn(written: WrittenConfig): CulvertConfig {
  const defaults = written.defaults ?? {};
  const director = fillInDirector(written.director);
  return {
    director,
    services: written.services.map((service) => fillInService(service, defaults, director.claim)),
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
    timeouts: fillInTimeouts(written.timeouts),
    capacity: fill(capacityShape, written.capacity ?? {}),
    sync: written.sync && fillInSync(written.sync),
    listen: written.listen && fillInListen(written.listen),
    metricsListen: written.metricsListen && fillInListen(written.metricsListen),
  };
}

function fillInTimeouts(written: WrittenDirector['timeouts'] = {}): FlowTimeouts {
  const { tcp, tcpFin, synRecv, udp, close, timeWait } = fill(timeoutsShape, written);
  const { init1, init, cookieEchoed, established, shutdown, closed } = fill(
    sctpTimeoutsShape,
    written.sctp ?? {},
  );
  return {
    establishedMs: tcp,
    finWaitMs: tcpFin,
    synRecvMs: synRecv,
    udpMs: udp,
    closeMs: close,
    timeWaitMs: timeWait,
    sctp: {
      init1Ms: init1,
      initMs: init,
      cookieEchoedMs: cookieEchoed,
      establishedMs: established,
      shutdownMs: shutdown,
      closedMs: closed,
    },
  };
}

function fillInService(service: WrittenService, defaults: WrittenDefaults, claim: Claim): ServiceConfig {
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
    blackhole: mergeBlackhole(service.blackhole, defaults.blackhole),
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
