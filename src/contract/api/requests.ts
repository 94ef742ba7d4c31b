// The bodies of requests to a director, and of the answers to failed ones.
import { z } from 'zod';
import { address, body, serviceText, weight } from './wire-values.ts';

const selector = {
  address,
  service: serviceText.optional().describe('Left out: the same address in every service.'),
};

export const realSelectorSchema = body(z.strictObject(selector));

export type WireRealSelector = z.output<typeof realSelectorSchema>;

export const weightChangeSchema = body(
  z.strictObject({ ...selector, weight: weight.nullable().describe('null takes an override back.') }),
);

export type WireWeightChange = z.output<typeof weightChangeSchema>;

export const zeroSchema = body(z.strictObject({ service: serviceText.optional() }));

export const errorSchema = body(z.object({ code: z.string(), message: z.string() }));

export type WireError = z.output<typeof errorSchema>;
