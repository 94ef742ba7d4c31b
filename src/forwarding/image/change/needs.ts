// Computes how much of an image a table needs and whether that fits, for a plane as well as for a file alone.
import { CulvertError } from '../../../errors.ts';
import type { Real, Service } from '../../forwarding-table.ts';
import { ringSize } from '../../hashing/ring.ts';
import { roundRobin, weightedRotation } from '../slots/rotation.ts';
import { SlotAllocator } from '../slots/slot-allocator.ts';
import { REALS, SERVICE, SERVICE_BUCKETS, SERVICE_KIND, SERVICES } from '../tables/layout.ts';
import { bucketKeys, type KindOptions, serviceKind, vipKey } from '../tables/service-record.ts';
import { ServiceTable } from '../tables/service-table.ts';

/** The fields of a service that decide how much memory it needs. */
export interface SizedService extends KindOptions, Pick<Service, 'vip' | 'port' | 'morePorts'> {
  readonly reals: readonly Pick<Real, 'weight' | 'serving' | 'upperThreshold' | 'hasWay'>[];
}

/** Returns the turns of `rr` and `wrr` as positions of the reals; undefined for services without turns. */
export function rotationOf(service: SizedService): readonly number[] | undefined {
  const kind = serviceKind(service);
  if (kind !== SERVICE_KIND.rotation && kind !== SERVICE_KIND.turns) return undefined;
  const weights = service.reals.map(({ weight, serving, hasWay = true }) => (serving && hasWay ? weight : 0));
  return service.scheduler === 'wrr' ? weightedRotation(weights) : roundRobin(weights);
}

/** Returns the ring slots that a service needs, before they are rounded to whole lines. */
export function slotsOf(
  service: SizedService,
  rotation: readonly number[] | undefined = rotationOf(service),
): number {
  if (serviceKind(service) === SERVICE_KIND.rare) return 0;
  return rotation?.length ?? ringSize(service.reals.length);
}

/** @throws CulvertError CAPACITY where the table does not fit an empty image with this number of slots */
export function requireCapacity(services: readonly SizedService[], slots: number): void {
  refuseMore('services', services.length, SERVICES - 1);
  const reals = services.reduce((sum, service) => sum + service.reals.length, 0);
  refuseMore('reals (one for each service and real, sorry servers included)', reals, REALS - 1);
  const wanted = services.reduce((sum, service) => sum + SlotAllocator.rounded(slotsOf(service)), 0);
  if (wanted > slots) throw new CulvertError('CAPACITY', slotsFault(wanted, slots));
  requirePlaces(services);
}

/** Returns the message about too few slots, with the setting that fixes it. */
export function slotsFault(wanted: number, slots: number): string {
  return (
    `the services need ${wanted} ring slots together, director.capacity.slots is ${slots}; ` +
    `fix: set it to ${wanted} or more (with a keepalived.conf: --set capacity.slots=${wanted}) and restart, or use fewer services or reals`
  );
}

function refuseMore(what: string, wanted: number, most: number): void {
  if (wanted <= most) return;
  throw new CulvertError(
    'CAPACITY',
    `the configuration has ${wanted} ${what}; a plane takes at most ${most}`,
  );
}

/** Checks that each port and each VIP finds a bucket in the hash table, at its place or next to it. */
function requirePlaces(services: readonly SizedService[]): void {
  const vips = [...new Set(services.map(({ vip }) => vip))].map(vipKey);
  const empty = new ServiceTable(new ArrayBuffer(SERVICE.size * SERVICE_BUCKETS));
  const keys = [...vips, ...services.flatMap(bucketKeys)];
  if (empty.fits(keys, [])) return;
  throw new CulvertError(
    'CAPACITY',
    `the configuration has ${keys.length} VIPs and ports, which do not fit into the plane's service table of ${SERVICE_BUCKETS} ` +
      'places; fix: use fewer, or services of all ports',
  );
}
