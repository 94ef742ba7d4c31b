import type { Tunnel } from '../../forwarding/forwarding-table.ts';
import type { WrittenTunnel } from '../schema/written-config.ts';

export function fillInTunnel(written: WrittenTunnel): Tunnel {
  const { type, checksum = 'none', port = 0 } = typeof written === 'string' ? { type: written } : written;
  if (type === 'ipip') return { type };
  if (type === 'gue') return { type, checksum, port };
  // `contradictions.ts` has refused `remote`.
  return { type, checksum: checksum === 'none' ? 'none' : 'full' };
}
