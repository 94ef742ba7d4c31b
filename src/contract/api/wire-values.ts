// Values that the bodies of the API are made of. What is not there is `null`, never left out.
import { z } from 'zod';
import { parseIp } from '../../net/address/ip-address.ts';
import { parseIpNetwork } from '../../net/address/ip-network.ts';
import { parseServiceName } from './service-text.ts';

type Plain = string | number | boolean | bigint | null | undefined;

/** A value whose parts nobody changes. */
type Frozen<Value> = unknown extends Value
  ? Value
  : Value extends Plain
    ? Value
    : { readonly [Name in keyof Value]: Frozen<Value[Name]> };

/** The schema of a body; its type is that of a value which nobody changes. */
export function body<Schema extends z.ZodType>(schema: Schema): z.ZodType<Frozen<z.output<Schema>>> {
  return schema as unknown as z.ZodType<Frozen<z.output<Schema>>>;
}

export const address = z
  .string()
  .refine((text) => parseIp(text) !== undefined, 'must be an IP address, such as 192.0.2.10')
  .meta({ examples: ['192.0.2.10', '2001:db8::10'] });

export const network = z
  .string()
  .refine(
    (text) => parseIpNetwork(text) !== undefined,
    'must be an IP address or network, such as 198.51.100.0/24',
  )
  .meta({ examples: ['198.51.100.7', '2001:db8::/32'] });

export const serviceText = z
  .string()
  .refine((text) => parseServiceName(text) !== undefined, 'must name a service, such as tcp:192.0.2.10:80')
  .meta({ examples: ['tcp:192.0.2.10:80', 'tcp:[2001:db8::10]:all'] });

export const count = z.int().nonnegative();

export const time = z.iso.datetime();

/** 0 for all ports of an address that no other service has, or of a client. */
export const port = z.int().min(0).max(65_535);

export const weight = z
  .int('must be a whole number')
  .min(0, 'must be 0 or more')
  .max(65_535, 'must be 65535 or less');

export const serviceKey = z.object({ protocol: z.enum(['tcp', 'udp', 'sctp']), vip: address, port });

export type WireServiceKey = Frozen<z.output<typeof serviceKey>>;

export const tunnel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ipip') }),
  z.object({ type: z.literal('gre'), checksum: z.enum(['none', 'full']) }),
  z.object({ type: z.literal('gue'), checksum: z.enum(['none', 'full', 'remote']), port }),
]);
