// What a deleted service has left.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { Service } from '../../forwarding-table.ts';
import type { RecordKey } from './service-record.ts';

/** A service that was deleted while clients had flows to it. */
export interface RetiredService {
  readonly service: Service;
  /** Kept from others, because remembered flows name it. */
  readonly index: number;
  /** Its reals that have flows; their entries stay, and serve nobody. */
  readonly reals: ReadonlyMap<IpAddress, RealIndex>;
  /** Its persistence templates last until this tick. */
  readonly templatesEndTick: number;
}

/** What waits for a service, or for a real of one, that may come back: `ipvsadm -S`, `-C` and `-R` take all of them away and back. */
export interface Retired {
  /** By each of their ports. */
  readonly services: Map<RecordKey, RetiredService>;
  readonly byIndex: Map<number, RetiredService>;
  /** Their reals; those of a service that is back only until this tick. */
  readonly reals: Map<RealIndex, number>;
}

export function noneRetired(): Retired {
  return { services: new Map(), byIndex: new Map(), reals: new Map() };
}
