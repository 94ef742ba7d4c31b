import type { CommandConfig } from '../../linux/process/command-config.ts';
import type { RealConfig, ServiceConfig } from '../schema/config.ts';
import type { WrittenCommand } from '../schema/written-command.ts';
import type { WrittenDefaults, WrittenReal, WrittenService } from '../schema/written-config.ts';

export const DEFAULT_COMMAND_TIMEOUT_MS = 30_000;

type ServiceEffects = Pick<ServiceConfig, 'quorum' | 'hysteresis' | 'onQuorumUp' | 'onQuorumDown' | 'omega'>;

/** The quorum settings and commands of a service. */
export function fillInServiceEffects(service: WrittenService, defaults: WrittenDefaults): ServiceEffects {
  return {
    quorum: service.quorum ?? 1,
    hysteresis: service.hysteresis ?? 0,
    onQuorumUp: innermost(service.onQuorumUp, defaults.onQuorumUp),
    onQuorumDown: innermost(service.onQuorumDown, defaults.onQuorumDown),
    omega: service.omega ?? defaults.omega ?? false,
  };
}

type RealEffects = Pick<RealConfig, 'inhibitOnFailure' | 'onUp' | 'onDown'>;

export interface EffectLevels {
  readonly service: WrittenService;
  readonly defaults: WrittenDefaults;
}

/** The commands and inhibition of a real. */
export function fillInRealEffects(real: WrittenReal, { service, defaults }: EffectLevels): RealEffects {
  return {
    inhibitOnFailure: real.inhibitOnFailure ?? service.inhibitOnFailure ?? defaults.inhibitOnFailure ?? false,
    onUp: innermost(real.onUp, service.onUp, defaults.onUp),
    onDown: innermost(real.onDown, service.onDown, defaults.onDown),
  };
}

/** The first that says something. */
function innermost(...levels: readonly (WrittenCommand | undefined)[]): CommandConfig | undefined {
  const written = levels.find((level) => level !== undefined);
  if (written === undefined || written === 'none') return undefined;
  const { command = [], shell, timeout, user } = written;
  return {
    run: shell === undefined ? { command } : { shell },
    timeoutMs: timeout ?? DEFAULT_COMMAND_TIMEOUT_MS,
    user,
  };
}
