// Checks that a configuration fits the plane it asks for.

import type { CulvertConfig } from '../../contract/config/config.ts';
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { requireCapacity, type SizedService } from '../../forwarding/image/change/needs.ts';

/**
 * Refuses what a plane of `director.capacity` would refuse; whether each real is up makes no difference but with `rr` and
 * `wrr`, whose turns are counted as when all are. @throws CulvertError CAPACITY
 */
export function validateCapacity({ services, director }: CulvertConfig): void {
  requireCapacity(services.map(sized), director.capacity.slots);
}

/** The sorry server has a place of its own, unless it is one of the reals. */
function sized(service: ServiceConfig): SizedService {
  const { reals, sorryServer } = service;
  const sorry = reals.some(({ address }) => address === sorryServer?.address) ? undefined : sorryServer;
  const all = reals.map(({ weight, upperThreshold }) => ({ weight, upperThreshold, serving: true }));
  return { ...service, reals: sorry === undefined ? all : [...all, { weight: 0, serving: false }] };
}
