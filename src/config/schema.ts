import { z } from 'zod';
import { checkSchema } from './check-schema.ts';
import {
  address,
  duration,
  hostAddress,
  list,
  listen,
  mapping,
  oneOf,
  pattern,
  port,
  weight,
  wholeNumber,
} from './fields.ts';
import type { WrittenConfig } from './written-config.ts';

const DAY = 86_400_000;

const path = pattern(/^\/[^\0]*$/, 'an absolute path');

const timeouts = mapping({
  tcp: duration(1000, 31 * DAY).optional(),
  tcpFin: duration(1000, 31 * DAY).optional(),
  synRecv: duration(1000, 31 * DAY).optional(),
  udp: duration(1000, 31 * DAY).optional(),
  close: duration(1000, 31 * DAY).optional(),
});

const capacity = mapping({
  slots: wholeNumber(16, 2 ** 28)
    .multipleOf(16, 'a multiple of 16')
    .optional(),
  flows: wholeNumber(4, 2 ** 28)
    .refine((count) => (count & (count - 1)) === 0, 'a power of two')
    .optional(),
});

const director = mapping({
  interface: pattern(/^[^\s/:]{1,15}$/, 'the name of a network interface').optional(),
  plane: oneOf(['xdp', 'simulated']).optional(),
  instance: pattern(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/,
    'a name of up to 32 letters, digits, dots, dashes and underscores',
  ).optional(),
  hashSeed: pattern(/^[0-9a-fA-F]{32}$/, '32 hexadecimal digits in quotes').optional(),
  timeouts: timeouts.optional(),
  capacity: capacity.optional(),
  listen: z.union([listen, mapping({ address: hostAddress, port })]).optional(),
  stateDirectory: path.optional(),
  runDirectory: path.optional(),
});

const blackhole = z.union([
  oneOf(['cure', 'refuse']),
  mapping({ policy: oneOf(['cure', 'refuse']).optional(), after: wholeNumber(1, 65535).optional() }),
]);

const tunnel = z.union([oneOf(['ipip']), mapping({ type: oneOf(['ipip']) })]);

/** What stands at a service and, for all services, in `defaults`. */
const serviceOptions = {
  scheduler: oneOf(['mh', 'rr', 'wrr']).optional(),
  hashOn: oneOf(['flow', 'source']).optional(),
  tunnel: tunnel.optional(),
  blackhole: blackhole.optional(),
  check: checkSchema.optional(),
};

const real = mapping({ address, weight: weight.optional(), check: checkSchema.optional() });

const service = mapping({
  vip: address,
  protocol: oneOf(['tcp', 'udp']).optional(),
  port,
  ...serviceOptions,
  reals: list(real, 'a list of reals, each with its address'),
});

/** Reports all that is wrong; the messages are as `fields.ts` says. */
export const configSchema: z.ZodType<WrittenConfig> = mapping({
  director,
  defaults: mapping({ ...serviceOptions, weight: weight.optional() }).optional(),
  services: list(service, 'a list of services'),
});
