// The commands that tell of a real server's or quorum's turn, with their environment.
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { CommandConfig } from '../../linux/process/command-config.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import { nameReal } from './event-words.ts';
import type { ModelReal, ModelService } from './model.ts';

/** A command to run. */
export interface Task {
  /** The line of a command: a real's, or that of a service's quorum. The commands of a line run one at a time, in order. */
  readonly line: string;
  /** `onDown of 10.0.3.2 of tcp 192.0.2.10:80`. */
  readonly title: string;
  readonly command: CommandConfig;
  readonly environment: Readonly<Record<string, string>>;
}

export interface RealTurn {
  readonly up: boolean;
  readonly weight: number;
  /** The reason why it is down. */
  readonly reason: string | undefined;
}

/** Tells that a real has turned; undefined: nobody wants to know. */
export function realTask(real: ModelReal, { up, weight, reason }: RealTurn): Task | undefined {
  const name = up ? 'onUp' : 'onDown';
  const command = real.config[name];
  if (command === undefined) return undefined;
  return {
    line: real.id,
    title: `${name} of ${nameReal(real)}`,
    command,
    environment: {
      ...serviceVariables(real.service, up),
      CULVERT_REAL: formatIp(real.config.address),
      CULVERT_WEIGHT: `${weight}`,
      ...(reason === undefined ? {} : { CULVERT_REASON: reason }),
    },
  };
}

export interface QuorumTurn {
  readonly up: boolean;
  /** The weight of the reals that are up. */
  readonly weight: number;
}

/** Tells that a service has gained or lost its quorum; undefined: nobody wants to know. */
export function quorumTask({ name, config }: ModelService, { up, weight }: QuorumTurn): Task | undefined {
  const key = up ? 'onQuorumUp' : 'onQuorumDown';
  const command = config[key];
  if (command === undefined) return undefined;
  return {
    line: `quorum of ${name}`,
    title: `${key} of ${name}`,
    command,
    environment: {
      ...serviceVariables(config, up),
      CULVERT_WEIGHT: `${weight}`,
      CULVERT_QUORUM: `${config.quorum}`,
      CULVERT_HYSTERESIS: `${config.hysteresis}`,
    },
  };
}

function serviceVariables(service: ServiceConfig, up: boolean): Record<string, string> {
  return {
    CULVERT_STATE: up ? 'up' : 'down',
    CULVERT_SERVICE: formatServiceName(service),
    CULVERT_VIP: formatIp(service.vip),
    CULVERT_PROTOCOL: service.protocol,
    CULVERT_PORT: service.port === 0 ? 'all' : `${service.port}`,
  };
}
