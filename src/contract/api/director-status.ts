// The state of a director and its counters, as the API has them.
import { z } from 'zod';
import { flowCounts, serviceSchema } from './service-status.ts';
import { address, body, count, serviceKey, time } from './wire-values.ts';

const traffic = {
  connections: count.describe('TCP SYNs sent to a real, UDP flows remembered.'),
  packets: count,
  bytes: count.describe('Bytes of the inner IP packets.'),
};
const rate = z.number().nonnegative();
const account = {
  sinceZero: z.object(traffic).describe('Counted since it was zeroed last, if ever.'),
  perSecond: z
    .object({ connections: rate, packets: rate, bytes: rate })
    .describe('As IPVS has it: over two seconds, and a quarter of it each time.'),
};

export const statsSchema = body(
  z.object({
    services: z.array(
      z.object({
        service: serviceKey,
        ...traffic,
        ...account,
        slots: count.describe('Ring slots.'),
        trackedSlots: count.describe('Ring slots in transition; 0 when the service is stable.'),
        reals: z.array(z.object({ address, ...traffic, ...account, ...flowCounts })),
      }),
    ),
    reasons: z
      .record(z.string(), count)
      .describe('Packets by reason; reasons that never occurred are left out.'),
    handedOver: count.describe('Packets that the fast path handed to the slow path.'),
    overBudget: count.describe(
      'Rare packets that the fast path dropped because the budget of the slow path was used up.',
    ),
  }),
);

export type WireStats = z.output<typeof statsSchema>;
export type WireServiceStats = WireStats['services'][number];
export type WireRealStats = WireServiceStats['reals'][number];
export type WireTraffic = WireRealStats['sinceZero'];

const shortage = z.object({
  code: z.string().describe("The system's name of it: `EMFILE`."),
  what: z.string(),
  fix: z.string(),
  since: time,
  checks: count.describe('Checks whose last attempt could not be made for it.'),
});

const syncRole = z.object({
  role: z.enum(['master', 'backup']),
  interface: z.string(),
  syncId: count,
  counters: z.record(z.string(), count).describe('What was sent and received, by name.'),
});

export const statusSchema = body(
  z.object({
    instance: z.string(),
    interface: z.string(),
    plane: z.string(),
    configPath: z.string(),
    pid: count,
    startedAt: time,
    shortages: z
      .array(shortage)
      .describe("What the director's machine is short of, so that checks cannot be made."),
    unmadeAttempts: count.describe('Attempts of checks that this machine could not make, since the start.'),
    sync: z.array(syncRole).describe('The roles of this director in the synchronisation of flows.'),
    services: z.array(serviceSchema),
    stats: statsSchema,
  }),
);

export type WireStatus = z.output<typeof statusSchema>;
