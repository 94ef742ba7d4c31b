// The schema of a whole configuration as it is written: checked, durations in milliseconds, but nothing filled in yet.
import type { z } from 'zod';
import { list, mapping } from '../values/fields.ts';
import { directorSchema } from './director-contract.ts';
import { defaultsSchema, serviceSchema } from './service-contract.ts';

/** Reports all that is wrong; the messages are as `fields.ts` says. */
export const configSchema = mapping({
  director: directorSchema,
  defaults: defaultsSchema.optional(),
  services: list(serviceSchema, 'a list of services'),
});

export type WrittenConfig = z.output<typeof configSchema>;
