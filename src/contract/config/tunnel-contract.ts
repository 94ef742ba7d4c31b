// The contract of a tunnel, and of packets that do not fit it.
import { z } from 'zod';
import type { BlackholePolicy, Tunnel } from '../../forwarding/forwarding-table.ts';
import { mapping, oneOf, port, timeout, wholeNumber } from '../values/fields.ts';

export const DEFAULT_BLACKHOLE: BlackholePolicy = { policy: 'cure', after: 2 };

export const tunnelSchema = z.union([
  oneOf(['ipip', 'gre']),
  mapping({
    type: oneOf(['ipip', 'gre', 'gue']),
    checksum: oneOf(['none', 'full', 'remote']).optional(),
    port: port.optional(),
  }),
]);

export type WrittenTunnel = z.output<typeof tunnelSchema>;

export function fillInTunnel(written: WrittenTunnel): Tunnel {
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

export const blackholeSchema = z.union([
  oneOf(['cure', 'refuse']),
  mapping({ policy: oneOf(['cure', 'refuse']).optional(), after: wholeNumber(1, 65535).optional() }),
]);

/** Each level, the outermost first, overrides single values of those before it. */
export function mergeBlackhole(
  levels: readonly (z.output<typeof blackholeSchema> | undefined)[],
): BlackholePolicy {
  return levels.reduce<BlackholePolicy>((merged, level) => {
    const { policy, after } = typeof level === 'string' ? { policy: level } : (level ?? {});
    return { policy: policy ?? merged.policy, after: after ?? merged.after };
  }, DEFAULT_BLACKHOLE);
}

export const persistenceSchema = z.union([
  timeout,
  mapping({ timeout, prefix: wholeNumber(1, 128).optional() }),
]);
