import { DEFAULT_CAPACITY } from '../forwarding/image/memory.ts';
import {
  type BlackholePolicy,
  DEFAULT_TIMEOUTS,
  type FlowTimeouts,
  type TransportProtocol,
} from '../forwarding/table.ts';
import { ip } from '../net/ip-address.ts';
import type { CulvertConfig, DirectorConfig, RealConfig, ServiceConfig } from './config.ts';
import { mergeChecks } from './fill-in-check.ts';
import type {
  WrittenConfig,
  WrittenDirector,
  WrittenReal,
  WrittenService,
  WrittenServiceOptions,
  WrittenTimeouts,
} from './written-config.ts';

export const DEFAULT_BLACKHOLE: BlackholePolicy = { policy: 'cure', after: 2 };
export const DEFAULT_WEIGHT = 100;

/** Gives everything that was left out its default: the service's, that of `defaults`, or culvert's. */
export function fillIn(written: WrittenConfig): CulvertConfig {
  const defaults = written.defaults ?? {};
  return {
    director: fillInDirector(written.director),
    services: written.services.map((service) => fillInService(service, defaults)),
  };
}

function fillInDirector(written: WrittenDirector): DirectorConfig {
  const name = written.interface ?? 'simulated';
  return {
    interface: name,
    plane: written.plane ?? 'xdp',
    instance: written.instance ?? name,
    hashSeed: written.hashSeed?.toLowerCase(),
    timeouts: fillInTimeouts(written.timeouts ?? {}),
    capacity: {
      slots: written.capacity?.slots ?? DEFAULT_CAPACITY.slots,
      flows: written.capacity?.flows ?? DEFAULT_CAPACITY.flows,
    },
    listen: written.listen,
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
  };
}

function fillInService(
  service: WrittenService,
  defaults: WrittenServiceOptions & { weight?: number | undefined },
): ServiceConfig {
  const protocol = service.protocol ?? 'tcp';
  return {
    vip: ip(service.vip),
    protocol,
    port: service.port,
    scheduler: service.scheduler ?? defaults.scheduler ?? 'mh',
    hashOn: service.hashOn ?? defaults.hashOn ?? 'flow',
    tunnel: { type: 'ipip' },
    blackhole: mergeBlackhole([defaults.blackhole, service.blackhole]),
    reals: service.reals.map((real) => fillInReal(real, { service, defaults, protocol })),
  };
}

interface RealContext {
  readonly service: WrittenService;
  readonly defaults: WrittenServiceOptions & { weight?: number | undefined };
  readonly protocol: TransportProtocol;
}

function fillInReal(real: WrittenReal, { service, defaults, protocol }: RealContext): RealConfig {
  // A TCP connection to a UDP service's port proves nothing unless someone has said that it does.
  const asked = protocol === 'tcp' || service.check !== undefined || real.check !== undefined;
  return {
    address: ip(real.address),
    weight: real.weight ?? defaults.weight ?? DEFAULT_WEIGHT,
    check: asked ? mergeChecks([defaults.check, service.check, real.check]) : undefined,
  };
}

function mergeBlackhole(levels: readonly WrittenServiceOptions['blackhole'][]): BlackholePolicy {
  return levels.reduce<BlackholePolicy>((merged, level) => {
    const { policy, after } = typeof level === 'string' ? { policy: level } : (level ?? {});
    return { policy: policy ?? merged.policy, after: after ?? merged.after };
  }, DEFAULT_BLACKHOLE);
}
