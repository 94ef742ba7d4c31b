import { z } from 'zod';
import { SCHEDULER_NAMES } from '../../forwarding/scheduler-names.ts';
import { checkKeys } from './check-schema.ts';
import { commandSchema } from './command-schema.ts';
import {
  address,
  duration,
  list,
  mapping,
  oneOf,
  pattern,
  port,
  realAddress,
  weight,
  wholeNumber,
} from './fields.ts';
import { listenSchema } from './listen-schema.ts';
import { ports } from './ports.ts';
import type { WrittenConfig } from './written-config.ts';

const DAY = 86_400_000;

const yesOrNo = z.boolean('true or false');

const path = pattern(/^\/[^\0]*$/, 'an absolute path');

const timeout = duration(1000, 31 * DAY);

const timeouts = mapping({
  tcp: timeout.optional(),
  tcpFin: timeout.optional(),
  synRecv: timeout.optional(),
  timeWait: timeout.optional(),
  udp: timeout.optional(),
  close: timeout.optional(),
  sctp: mapping({
    init1: timeout.optional(),
    init: timeout.optional(),
    cookieEchoed: timeout.optional(),
    established: timeout.optional(),
    shutdown: timeout.optional(),
    closed: timeout.optional(),
  }).optional(),
});

const capacity = mapping({
  slots: wholeNumber(16, 2 ** 28)
    .multipleOf(16, 'a multiple of 16')
    .optional(),
  flows: wholeNumber(4, 2 ** 28)
    .refine((count) => (count & (count - 1)) === 0, 'a power of two')
    .optional(),
});

const interfaceName = pattern(/^[^\s/:]{1,15}$/, 'the name of a network interface');

const claim = oneOf(['always', 'host', 'never']);

const director = mapping({
  interface: interfaceName.optional(),
  interfaces: list(interfaceName, 'a list of network interfaces')
    .min(1, 'a list with at least one network interface')
    .optional(),
  plane: oneOf(['xdp', 'simulated']).optional(),
  instance: pattern(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
    'a name of up to 32 letters, digits, dots, dashes and underscores',
  ).optional(),
  hashSeed: pattern(/^[0-9a-fA-F]{32}$/, '32 hexadecimal digits in quotes').optional(),
  timeouts: timeouts.optional(),
  expireNodestConn: yesOrNo.optional(),
  expireQuiescentTemplate: yesOrNo.optional(),
  sloppyTcp: yesOrNo.optional(),
  claim: claim.optional(),
  capacity: capacity.optional(),
  listen: listenSchema.optional(),
  metricsListen: listenSchema.optional(),
  stateDirectory: path.optional(),
  runDirectory: path.optional(),
});

const blackhole = z.union([
  oneOf(['cure', 'refuse']),
  mapping({ policy: oneOf(['cure', 'refuse']).optional(), after: wholeNumber(1, 65535).optional() }),
]);

const tunnel = z.union([
  oneOf(['ipip', 'gre']),
  mapping({
    type: oneOf(['ipip', 'gre', 'gue']),
    checksum: oneOf(['none', 'full', 'remote']).optional(),
    port: port.optional(),
  }),
]);

const persistence = z.union([timeout, mapping({ timeout, prefix: wholeNumber(1, 128).optional() })]);

/** Keys of a service and, for all services, of `defaults`. */
const serviceOptions = {
  scheduler: oneOf(SCHEDULER_NAMES).optional(),
  schedulerFlags: list(oneOf(['sh-port', 'sh-fallback']), 'a list of flags of the scheduler').optional(),
  hashOn: oneOf(['flow', 'source']).optional(),
  tunnel: tunnel.optional(),
  blackhole: blackhole.optional(),
  ...checkKeys,
  inhibitOnFailure: yesOrNo.optional(),
  onUp: commandSchema.optional(),
  onDown: commandSchema.optional(),
  onQuorumUp: commandSchema.optional(),
  onQuorumDown: commandSchema.optional(),
  omega: yesOrNo.optional(),
};

/** IPVS counts them in 32 bits. */
const threshold = wholeNumber(0, 2 ** 32 - 1);

const real = mapping({
  address: realAddress,
  weight: weight.optional(),
  upperThreshold: threshold.optional(),
  lowerThreshold: threshold.optional(),
  tunnel: tunnel.optional(),
  ...checkKeys,
  inhibitOnFailure: yesOrNo.optional(),
  onUp: commandSchema.optional(),
  onDown: commandSchema.optional(),
});

/** keepalived keeps them in 32 bits. */
const GREATEST_QUORUM = 2 ** 32 - 1;

const sorryServer = mapping({
  address: realAddress,
  weight: wholeNumber(1, 65_535).optional(),
  tunnel: tunnel.optional(),
  inhibit: yesOrNo.optional(),
});

const service = mapping({
  vip: address,
  protocol: oneOf(['tcp', 'udp', 'sctp']).optional(),
  port: ports,
  ...serviceOptions,
  claim: claim.optional(),
  onePacket: yesOrNo.optional(),
  persistence: persistence.optional(),
  quorum: wholeNumber(1, GREATEST_QUORUM).optional(),
  hysteresis: wholeNumber(0, GREATEST_QUORUM).optional(),
  sorryServer: sorryServer.optional(),
  reals: list(real, 'a list of reals, each with its address'),
});

/** Reports all that is wrong; the messages are as `fields.ts` says. */
export const configSchema: z.ZodType<WrittenConfig> = mapping({
  director,
  defaults: mapping({ ...serviceOptions, weight: weight.optional() }).optional(),
  services: list(service, 'a list of services'),
});
