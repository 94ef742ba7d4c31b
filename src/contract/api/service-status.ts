// The state of services and of their real servers, as the API has it.
import { z } from 'zod';
import { serviceShape } from '../config/service-contract.ts';
import { forwardedShape } from '../option.ts';
import { address, body, count, port, serviceKey, time, tunnel, weight } from './wire-values.ts';

const flows = {
  activeFlows: count.describe('Remembered flows that are established or half-open.'),
  inactiveFlows: count.describe('Other remembered flows.'),
  activeKnown: z
    .boolean()
    .describe(
      'False: there may be flows that are not remembered; the numbers of flows are the least there are.',
    ),
  completeAt: time.nullable().describe('When they will be known; null: they are, or nothing ends that.'),
  persistentClients: count.describe('Clients, or networks of clients, that persistence keeps at this real.'),
};

export const flowCounts = flows;

/** Fields that apply to few reals and are left out of the others. */
const rarities = {
  local: z.boolean().optional().describe('True: it is the director itself. Left out otherwise.'),
  noWay: z
    .boolean()
    .optional()
    .describe('True: there is no route to it, or its next hop does not answer. Left out otherwise.'),
};

const check = z.object({
  type: z.string().describe('`tcp`, `http`, ...'),
  state: z.enum(['up', 'down']),
  since: time,
  lastError: z.string().nullable(),
  failures: count.describe('Failed attempts in a row.'),
  lastMs: z
    .number()
    .nonnegative()
    .nullable()
    .describe('How long the last attempt took; null before the first one has ended.'),
  lastAnswer: z.string().nullable().describe('What the last attempt heard, or why it failed.'),
});

const health = z.object({
  state: z.enum(['up', 'down', 'unchecked']),
  since: time.describe('When it came to that.'),
  lastError: z
    .string()
    .nullable()
    .describe(
      'Of the check that has it out, or that failed last; null when the last attempts of all passed.',
    ),
  failures: count.describe('Failed attempts of that check in a row.'),
  checks: z.array(check).describe('Each of them has to be up for the real to be.'),
  weight: weight.nullable().describe('The weight that the checks have found.'),
});

export const realSchema = body(
  z.object({
    service: serviceKey,
    address,
    configuredWeight: weight,
    override: weight.nullable().describe('Set by hand; null: the configured one holds.'),
    drained: z.boolean().describe('True: it gets no new flows, whatever it weighs.'),
    effectiveWeight: weight.describe('The weight in force.'),
    serving: z.boolean().describe('False: it is out, and no flow may use it.'),
    inhibitOnFailure: z.boolean(),
    tunnel: tunnel.nullable().describe("null: the service's."),
    upperThreshold: count.describe('0: no limit.'),
    lowerThreshold: count,
    ...flows,
    ...rarities,
    health,
  }),
);

export type WireReal = z.output<typeof realSchema>;

const quorum = z.object({
  state: z.enum(['up', 'lost']),
  weight: count.describe('The weights of the healthy reals in sum.'),
  quorum: count,
  hysteresis: count,
});

const sorryServer = z.object({
  address,
  weight,
  tunnel: tunnel.nullable().describe("null: the service's."),
  inhibit: z.boolean(),
  serving: z.boolean().describe('Whether it serves instead of the reals.'),
  ...flows,
  ...rarities,
});

const { scheduler, ...forwardedOptions } = forwardedShape(serviceShape);

export const serviceSchema = body(
  z.object({
    service: serviceKey,
    morePorts: z.array(port).describe('Those that are this service beside the one that names it.'),
    scheduler,
    schedulerFlags: z.array(z.enum(['sh-port', 'sh-fallback'])),
    ...forwardedOptions,
    persistence: z.object({ timeoutMs: count, prefixLength: z.int().min(1).max(128) }).nullable(),
    tunnel,
    quorum,
    sorryServer: sorryServer.nullable(),
    reals: z.array(realSchema),
  }),
);

export type WireService = z.output<typeof serviceSchema>;
export type WireSorryServer = NonNullable<WireService['sorryServer']>;
