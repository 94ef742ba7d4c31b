import type { DirectorConfig } from '../config/config.ts';
import type { PlaneCounters } from '../dataplane/data-plane.ts';
import type { ServiceKey } from '../forwarding/table.ts';
import type { CheckState } from '../health/check-state.ts';
import { weightBy } from '../health/weight-effect.ts';
import type { DirectorStatus, RealStatus } from './control.ts';
import type { ModelReal, ModelService } from './model.ts';

export interface DirectorStatusInput {
  readonly director: DirectorConfig;
  readonly configPath: string;
  readonly plane: string;
  readonly startedMs: number;
  readonly services: readonly ModelService[];
  readonly statusOf: (real: ModelReal) => RealStatus;
  readonly counters: PlaneCounters;
}

export function directorStatus(input: DirectorStatusInput): DirectorStatus {
  return {
    instance: input.director.instance,
    interface: input.director.interface,
    plane: input.plane,
    configPath: input.configPath,
    pid: process.pid,
    startedAt: new Date(input.startedMs).toISOString(),
    services: input.services.map(({ config, reals }) => ({
      key: keyOf(config),
      scheduler: config.scheduler,
      tunnel: config.tunnel,
      reals: reals.map(input.statusOf),
    })),
    counters: input.counters,
  };
}

export interface RealStatusInput {
  readonly real: ModelReal;
  readonly override: number | undefined;
  /** Undefined: unchecked. */
  readonly health: CheckState | undefined;
  /** Since when it has been so, in milliseconds since 1970. */
  readonly sinceMs: number;
}

export function realStatus({ real, override, health, sinceMs }: RealStatusInput): RealStatus {
  const down = health?.up === false;
  const { weight: configured, check } = real.config;
  const found = weightBy(health?.weight, configured);
  return {
    service: keyOf(real.service),
    address: real.config.address,
    configuredWeight: configured,
    override,
    effectiveWeight: down ? 0 : (override ?? found),
    health: {
      state: health === undefined ? 'unchecked' : down ? 'down' : 'up',
      since: new Date(sinceMs).toISOString(),
      lastError: health?.lastError,
      failures: health?.failures ?? 0,
      check: check?.probe.type,
      weight: health?.weight === undefined ? undefined : found,
    },
  };
}

function keyOf({ vip, protocol, port }: ServiceKey): ServiceKey {
  return { vip, protocol, port };
}
