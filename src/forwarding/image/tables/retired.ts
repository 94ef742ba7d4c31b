// The deleted services and reals whose flows are kept.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { Service } from '../../forwarding-table.ts';
import type { RecordKey } from './service-record.ts';

/** A service that was deleted while clients had flows to it. */
export interface RetiredService {
  readonly service: Service;
  /** The service's index, not given out because remembered flows name it. */
  readonly index: number;
  /** The reals that have flows. Their entries stay and serve nobody. */
  readonly reals: ReadonlyMap<IpAddress, RealIndex>;
  /** Its persistence templates last until this tick. */
  readonly templatesEndTick: number;
}

/** The services, and reals of services, that may come back: `ipvsadm -S`, `-C` and `-R` remove them all and add them again. */
export interface Retired {
  /** The deleted services, under each of their ports. */
  readonly services: Map<RecordKey, RetiredService>;
  readonly byIndex: Map<number, RetiredService>;
  /** Their reals. Those of a service that is back are kept only until this tick. */
  readonly reals: Map<RealIndex, number>;
}

export function noneRetired(): Retired {
  return { services: new Map(), byIndex: new Map(), reals: new Map() };
}
