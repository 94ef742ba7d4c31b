import type { Ipv4Address } from '../../net/ipv4-address.ts';
import type { RealIndex } from '../decision.ts';
import type { SchedulerName, Service, ServiceKey } from '../table.ts';
import { SERVICE_KIND } from './layout.ts';
import type { Transition } from './ring-transition.ts';
import type { SelectableService } from './select-real.ts';
import type { BucketKey } from './service-table.ts';

/** A service of the image, as the slow path reads it. */
export interface ServiceEntry extends SelectableService {
  readonly service: Service;
  readonly reals: ReadonlyMap<Ipv4Address, RealIndex>;
}

/** What the control plane remembers of a service beside the image. */
export interface ServiceRecord extends ServiceEntry {
  readonly index: number;
  kind: number;
  portMask: number;
  firstSlot: number;
  slotCount: number;
  /** Slots of the range that it holds; a rotation may use fewer. */
  heldSlots: number;
  service: Service;
  readonly reals: Map<Ipv4Address, RealIndex>;
  /** Undefined while every slot is stable. */
  transition: Transition | undefined;
  /** True until the first table: what memory does not tell of the service is a guess. */
  takenOver: boolean;
}

const PROTOCOL_NUMBER = { tcp: 6, udp: 17 } as const;

export function bucketKey(key: ServiceKey): BucketKey {
  return { vip: key.vip, port: key.port, protocol: PROTOCOL_NUMBER[key.protocol] };
}

export function vipKey(vip: Ipv4Address): BucketKey {
  return { vip, port: 0, protocol: 0 };
}

export function protocolName(number: number): ServiceKey['protocol'] {
  return number === PROTOCOL_NUMBER.udp ? 'udp' : 'tcp';
}

/** One number for the three parts of a key: 32 bits of address, 16 of port, 8 of protocol. */
export function keyNumber({ vip, port, protocol }: BucketKey): number {
  return (vip >>> 0) * 2 ** 17 + port * 2 + (protocol === PROTOCOL_NUMBER.udp ? 1 : 0);
}

export function serviceKind(scheduler: SchedulerName): number {
  return scheduler === 'mh' ? SERVICE_KIND.hash : SERVICE_KIND.rotation;
}

export function portMaskOf(service: Service): number {
  return service.scheduler === 'mh' && service.hashOn === 'source' ? 0 : 0xffff;
}

/** Same in everything, reals and their order included. */
export function sameService(a: Service, b: Service): boolean {
  if (a === b) return true;
  return (
    a.scheduler === b.scheduler &&
    a.hashOn === b.hashOn &&
    a.tunnel.type === b.tunnel.type &&
    a.blackhole.policy === b.blackhole.policy &&
    a.blackhole.after === b.blackhole.after &&
    a.reals.length === b.reals.length &&
    a.reals.every((real, i) => {
      const other = b.reals[i];
      return (
        other !== undefined &&
        real.address === other.address &&
        real.weight === other.weight &&
        real.serving === other.serving
      );
    })
  );
}
