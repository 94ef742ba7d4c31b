import { type IpAddress, isIpv4 } from '../../net/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import type { SchedulerName, Service, ServiceKey } from '../table.ts';
import { sameTunnel, tunnelOf } from '../tunnel/kind.ts';
import { SERVICE_KIND } from './layout.ts';
import type { Transition } from './ring-transition.ts';
import type { SelectableService } from './select-real.ts';
import type { BucketKey } from './service-table.ts';

/** A service of the image, as the slow path reads it. */
export interface ServiceEntry extends SelectableService {
  readonly service: Service;
  readonly reals: ReadonlyMap<IpAddress, RealIndex>;
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
  readonly reals: Map<IpAddress, RealIndex>;
  /** Undefined while every slot is stable. */
  transition: Transition | undefined;
  /** True until the first table: what memory does not tell of the service is a guess. */
  takenOver: boolean;
}

const PROTOCOL_NUMBER = { tcp: 6, udp: 17, sctp: 132 } as const;
const PROTOCOLS = Object.keys(PROTOCOL_NUMBER) as ServiceKey['protocol'][];

export function bucketKey(key: ServiceKey): BucketKey {
  return { vip: key.vip, port: key.port, protocol: PROTOCOL_NUMBER[key.protocol] };
}

export function vipKey(vip: IpAddress): BucketKey {
  return { vip, port: 0, protocol: 0 };
}

export function protocolName(number: number): ServiceKey['protocol'] {
  return PROTOCOLS.find((name) => PROTOCOL_NUMBER[name] === number) ?? 'tcp';
}

/** The three parts of a service's key in one that a Map can have: a number for IPv4, a bigint for IPv6. */
export type RecordKey = number | bigint;

export function recordKey({ vip, port, protocol }: ServiceKey): RecordKey {
  const transport = port * 4 + PROTOCOLS.indexOf(protocol);
  return isIpv4(vip) ? vip * 2 ** 18 + transport : (vip << 18n) | BigInt(transport);
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
    sameTunnel(a.tunnel, b.tunnel) &&
    a.blackhole.policy === b.blackhole.policy &&
    a.blackhole.after === b.blackhole.after &&
    a.reals.length === b.reals.length &&
    a.reals.every((real, i) => {
      const other = b.reals[i];
      return (
        other !== undefined &&
        real.address === other.address &&
        real.weight === other.weight &&
        real.serving === other.serving &&
        sameTunnel(tunnelOf(a, real), tunnelOf(b, other))
      );
    })
  );
}
