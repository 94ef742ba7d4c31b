// Checks the privileges that the realserver commands need, before anything else.
import {
  type Capabilities,
  missingCapabilities,
  requireCapabilities,
  XDP_CAPABILITIES,
} from '../linux/process/capabilities.ts';
import type { Decapsulation } from './plan/plan-setup.ts';

const KERNEL_CAPABILITIES: Capabilities = [['CAP_NET_ADMIN']];

/**
 * Checks the privileges. While the way of decapsulation is open, those for the kernel's are enough; where they are missing, all
 * that either way needs is reported at once.
 * @throws CulvertError PERMISSION
 */
export function requirePrivilege(purpose: string, way: 'auto' | Decapsulation): void {
  const enough = way !== 'xdp' && missingCapabilities(KERNEL_CAPABILITIES).length === 0;
  if (!enough) requireCapabilities(purpose, way === 'kernel' ? KERNEL_CAPABILITIES : XDP_CAPABILITIES);
}
