// The contract of a service: all that a configuration, the forwarding table and the API know of its options.
import type { z } from 'zod';
import type {
  BlackholePolicy,
  Claim,
  Persistence,
  Port,
  SchedulerFlag,
  ServiceKey,
  Tunnel,
} from '../../forwarding/forwarding-table.ts';
import { SCHEDULER_NAMES } from '../../forwarding/scheduler-names.ts';
import type { CommandConfig } from '../../linux/process/command-config.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import { checkKeys } from '../checks/check-contract.ts';
import { type Filled, type ForwardedValues, forwarded, option, optional, required } from '../option.ts';
import { address, claim, list, mapping, oneOf, realAddress, wholeNumber, yesOrNo } from '../values/fields.ts';
import { ports } from '../values/ports.ts';
import { commandSchema } from './command-schema.ts';
import { type RealConfig, realCommands, realSchema, realShape } from './real-contract.ts';
import { blackholeSchema, persistenceSchema, tunnelSchema } from './tunnel-contract.ts';

/** keepalived keeps them in 32 bits. */
const GREATEST_QUORUM = 2 ** 32 - 1;

/**
 * The options of a service, which `defaults` can set for all services. An option with a default appears from here in
 * configurations, `defaults` and the reference; a forwarded one also in the forwarding table and in the API.
 */
const inheritedShape = {
  scheduler: forwarded(
    option(oneOf(SCHEDULER_NAMES), {
      default: 'mh',
      description: 'which real gets a new flow: see below',
    }),
  ),
  schedulerFlags: optional(list(oneOf(['sh-port', 'sh-fallback']), 'a list of flags of the scheduler'), {
    defaultText: 'none',
    description: 'a list, for `sh`: `sh-port`, `sh-fallback`',
  }),
  hashOn: forwarded(
    option(oneOf(['flow', 'source']), {
      default: 'flow',
      description:
        "what `mh` hashes. `flow`: the client's address and port; `source`: its address alone, so that a client stays with one real",
    }),
  ),
  tunnel: optional(tunnelSchema, { defaultText: '`ipip`', description: 'the encapsulation: see below' }),
  blackhole: optional(blackholeSchema, { defaultText: '`cure`', description: 'see below' }),
  ...checkKeys,
  inhibitOnFailure: optional(yesOrNo, {
    defaultText: 'that of `defaults`',
    description: 'for its reals that do not set it',
  }),
  ...realCommands,
  onQuorumUp: optional(commandSchema, {
    defaultText: 'none',
    description: '[command](#commands) that runs when the quorum is gained',
  }),
  onQuorumDown: optional(commandSchema, {
    defaultText: 'none',
    description: '[command](#commands) that runs when the quorum is lost',
  }),
  omega: option(yesOrNo, {
    default: false,
    description:
      '`true`: when forwarding ends, `onDown` and `onQuorumDown` run for everything that was up: see [Commands](#commands)',
  }),
};

export const defaultsSchema = mapping({ ...inheritedShape, weight: realShape.weight });

const sorryServerSchema = mapping({
  address: realAddress,
  weight: wholeNumber(1, 65_535).optional(),
  tunnel: tunnelSchema.optional(),
  inhibit: yesOrNo.optional(),
});

export const serviceShape = {
  vip: required(address, 'the address that clients use'),
  protocol: option(oneOf(['tcp', 'udp', 'sctp']), { default: 'tcp', description: '`tcp`, `udp`, `sctp`' }),
  port: required(ports, '1 to 65535, several ports, or all: see below'),
  ...inheritedShape,
  claim: optional(claim, {
    defaultText: 'that of `director`',
    description: 'who answers ARP and neighbour discovery for the VIP: see [`claim`](#claim)',
  }),
  onePacket: forwarded(
    option(yesOrNo, {
      default: false,
      description: '`true`: each packet of a UDP service is scheduled by itself, and nothing is remembered',
    }),
  ),
  persistence: optional(persistenceSchema, {
    defaultText: 'none',
    description: 'keeps a client with one real: see below',
  }),
  quorum: option(wholeNumber(1, GREATEST_QUORUM), {
    default: 1,
    description: 'weight of healthy reals that the service needs: see [Quorum](#quorum-and-sorry-server)',
  }),
  hysteresis: option(wholeNumber(0, GREATEST_QUORUM), {
    default: 0,
    description: 'less than the quorum: lost below quorum - hysteresis, regained at quorum + hysteresis',
  }),
  sorryServer: optional(sorryServerSchema, {
    defaultText: 'none',
    description: 'serves while the quorum is lost: `{address, weight, tunnel, inhibit}`',
  }),
  reals: required(
    list(realSchema, 'a list of reals, each with its address'),
    'a list; it may be empty, and then clients get port unreachable',
  ),
};

export const serviceSchema = mapping(serviceShape);

export type WrittenService = z.output<typeof serviceSchema>;
export type WrittenDefaults = z.output<typeof defaultsSchema>;
export type WrittenSorryServer = z.output<typeof sorryServerSchema>;

/** The options that the forwarding table has as well. */
export type ForwardedOptions = ForwardedValues<typeof serviceShape>;

/** A service with every default filled in. */
export interface ServiceConfig extends ServiceKey, Omit<Filled<typeof serviceShape>, 'protocol'> {
  readonly morePorts: readonly Port[];
  readonly schedulerFlags: readonly SchedulerFlag[];
  readonly persistence: Persistence | undefined;
  readonly tunnel: Tunnel;
  readonly blackhole: BlackholePolicy;
  /** The same for all services of a VIP. */
  readonly claim: Claim;
  /** Serves instead of the reals while the quorum is lost. */
  readonly sorryServer: SorryServerConfig | undefined;
  readonly onQuorumUp: CommandConfig | undefined;
  readonly onQuorumDown: CommandConfig | undefined;
  readonly reals: readonly RealConfig[];
}

export interface SorryServerConfig {
  readonly address: IpAddress;
  readonly weight: number;
  /** The tunnel; undefined: the service's. */
  readonly tunnel: Tunnel | undefined;
  /** True: its flows live on when the reals serve again. */
  readonly inhibit: boolean;
}
