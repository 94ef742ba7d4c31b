// A remembered flow, as the API lists it.
import { z } from 'zod';
import { FLOW_STATES } from '../../forwarding/flow-states.ts';
import { address, body, network, port, serviceKey, serviceText } from './wire-values.ts';

const state = z.enum(FLOW_STATES);

export const flowSchema = body(
  z.object({
    service: serviceKey,
    client: address
      .nullable()
      .describe('null for a half-open IPv6 flow that pushed another out, until its second packet.'),
    clientPort: port,
    real: address,
    state,
    idleMs: z.number().nonnegative(),
    leftMs: z.number().nonnegative().describe('Until it is forgotten, should nothing come.'),
  }),
);

export type WireFlow = z.output<typeof flowSchema>;

export const flowQuerySchema = body(
  z.strictObject({
    service: serviceText.optional(),
    real: address.optional(),
    client: network.optional(),
    state: state.optional(),
  }),
);
