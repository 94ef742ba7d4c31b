// An event of a director, as the API lists and streams it.
import { z } from 'zod';
import { EVENT_NAMES } from './event-types.ts';
import { body, count, time } from './wire-values.ts';

export const eventSchema = body(
  z.object({
    sequence: count.describe('Counts from 1 in each run.'),
    time,
    level: z.enum(['info', 'warning', 'error']),
    type: z.enum(EVENT_NAMES),
    message: z.string().describe('A sentence for the operator.'),
  }),
);

export type DirectorEvent = z.output<typeof eventSchema>;

export const eventQuerySchema = z.strictObject({
  after: z.coerce.number().int().nonnegative().default(0),
});
