import type { PlainTunnel } from './forwarding-method.ts';
import type { Setting } from './read-values.ts';

/** What differs from the service's alone is written. */
export function ownTunnel(
  { tunnel }: { readonly tunnel?: Setting<PlainTunnel> | 'unable' | undefined },
  common: Setting<PlainTunnel> | undefined,
): Setting<PlainTunnel> | undefined {
  if (typeof tunnel !== 'object') return undefined;
  return JSON.stringify(common?.value) === JSON.stringify(tunnel.value) ? undefined : tunnel;
}
