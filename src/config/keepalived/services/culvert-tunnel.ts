// Translates a tunnel where it differs from the service's.
import type { Setting } from '../values/read-values.ts';
import type { PlainTunnel, ReadMethod } from './forwarding-method.ts';
import { isTunnel } from './forwarding-method.ts';

/** Returns the tunnel of a real; only what differs from the service's is written. */
export function ownTunnel(
  method: ReadMethod | undefined,
  common: Setting<PlainTunnel> | undefined,
): Setting<PlainTunnel> | undefined {
  if (!isTunnel(method)) return undefined;
  return JSON.stringify(common?.value) === JSON.stringify(method.value) ? undefined : method;
}
