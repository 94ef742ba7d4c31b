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
 * As long as it is open which way it will be, the kernel's needs will do; where those are missing, all that either way
 * needs is named at once.
 * @throws CulvertError PERMISSION
 */
export function requirePrivilege(purpose: string, way: 'auto' | Decapsulation): void {
  const enough = way !== 'xdp' && missingCapabilities(KERNEL_CAPABILITIES).length === 0;
  if (!enough) requireCapabilities(purpose, way === 'kernel' ? KERNEL_CAPABILITIES : XDP_CAPABILITIES);
}
