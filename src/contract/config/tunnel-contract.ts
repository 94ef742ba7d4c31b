// The contract of a tunnel, and of packets that do not fit it.
import { z } from 'zod';
import type { BlackholePolicy, Tunnel } from '../../forwarding/forwarding-table.ts';
import { fill, option } from '../option.ts';
import { mapping, oneOf, port, timeout, wholeNumber } from '../values/fields.ts';

export const tunnelSchema = z.union([
  oneOf(['ipip', 'gre']),
  mapping({
    type: oneOf(['ipip', 'gre', 'gue']),
    checksum: oneOf(['none', 'full', 'remote']).optional(),
    port: port.optional(),
  }),
]);

export function fillInTunnel(written: z.output<typeof tunnelSchema>): Tunnel {
  const {
    type,
    checksum = 'none',
    port: own = 0,
  } = typeof written === 'string' ? { type: written } : written;
  if (type === 'ipip') return { type };
  if (type === 'gue') return { type, checksum, port: own };
  // `tunnel-contradictions.ts` has refused `remote`.
  return { type, checksum: checksum === 'none' ? 'none' : 'full' };
}

const blackholeShape = {
  policy: option(oneOf(['cure', 'refuse']), {
    default: 'cure',
    description: 'forward its oversize packets in fragments, or keep answering that they are too big',
  }),
  after: option(wholeNumber(1, 65535), {
    default: 2,
    description: 'the number of answers after which a client counts as unreachable',
  }),
};

export const blackholeSchema = z.union([oneOf(['cure', 'refuse']), mapping(blackholeShape)]);

/** Each level overrides single values of those after it. @param levels the innermost first */
export function mergeBlackhole(
  ...levels: readonly (z.output<typeof blackholeSchema> | undefined)[]
): BlackholePolicy {
  const said = levels.map((level = {}) => (typeof level === 'string' ? { policy: level } : level));
  return fill(blackholeShape, ...said);
}

export const persistenceSchema = z.union([
  timeout,
  mapping({ timeout, prefix: wholeNumber(1, 128).optional() }),
]);
