// The contract of a real server of a service.
import type { z } from 'zod';
import type { Tunnel } from '../../forwarding/forwarding-table.ts';
import type { CommandConfig } from '../../linux/process/command-config.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { CheckConfig } from '../checks/check-config.ts';
import { checkKeys } from '../checks/check-contract.ts';
import { type Filled, option, optional, required } from '../option.ts';
import { mapping, realAddress, weight, wholeNumber, yesOrNo } from '../values/fields.ts';
import { commandSchema } from './command-schema.ts';
import { tunnelSchema } from './tunnel-contract.ts';

/** IPVS counts them in 32 bits. */
const threshold = wholeNumber(0, 2 ** 32 - 1);

/** The commands of reals, for every level that may have them. */
export const realCommands = {
  onUp: optional(commandSchema, {
    defaultText: 'none',
    description: '[command](#commands) that runs when the real goes up',
  }),
  onDown: optional(commandSchema, {
    defaultText: 'none',
    description: '[command](#commands) that runs when the real goes down',
  }),
};

export const realShape = {
  address: required(
    realAddress,
    "the real server's own address, once in a service, or [one of the director's](#a-real-that-is-the-director-itself)",
  ),
  weight: option(weight, {
    default: 100,
    defaultText: '100, or that of `defaults`',
    description: '0 to 65535; 0 drains: flows stay, new ones go elsewhere',
  }),
  upperThreshold: option(threshold, {
    default: 0,
    defaultText: '0: no limit',
    description: 'at this number of flows the real gets no new ones',
  }),
  lowerThreshold: option(threshold, {
    default: 0,
    defaultText: '0: three quarters of the upper one',
    description: 'below this number of flows it gets new ones again; not above the upper one',
  }),
  tunnel: optional(tunnelSchema, { defaultText: 'that of its service', description: 'as at a service' }),
  ...checkKeys,
  inhibitOnFailure: option(yesOrNo, {
    default: false,
    description:
      '`true`: a failed real stays in the table with weight 0: its flows stay, and with `persistence` its clients. UDP flows [move](#flows-of-an-inhibited-real)',
  }),
  ...realCommands,
};

export const realSchema = mapping(realShape);

export type WrittenReal = z.output<typeof realSchema>;

/** A real with every default filled in. */
export interface RealConfig extends Filled<typeof realShape> {
  readonly address: IpAddress;
  /** The tunnel; undefined: the service's. */
  readonly tunnel: Tunnel | undefined;
  /** All have to pass; none: not checked, always up. */
  readonly checks: readonly CheckConfig[];
  readonly onUp: CommandConfig | undefined;
  readonly onDown: CommandConfig | undefined;
}
