// The record of a service beside the image, its keys, and its kind.
import { type IpAddress, isIpv4 } from '../../../net/address/ip-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { Persistence, Port, Real, SchedulerFlag, Service, ServiceKey } from '../../forwarding-table.ts';
import { sameTunnel, tunnelOf } from '../../tunnel/kind.ts';
import type { Delegate } from '../choice/delegate.ts';
import type { SelectableService } from '../choice/selection.ts';
import type { Transition } from '../slots/ring-transition.ts';
import { SERVICE_KIND } from './layout.ts';
import type { BucketKey } from './service-table.ts';

/** A service of the image, as the slow path reads it. */
export interface ServiceEntry extends SelectableService {
  readonly service: Service;
  readonly reals: ReadonlyMap<IpAddress, RealIndex>;
}

/** The control plane's record of a service, beside the image. */
export interface ServiceRecord extends ServiceEntry {
  readonly index: number;
  kind: number;
  portMask: number;
  firstSlot: number;
  slotCount: number;
  /** The slots of its range; a rotation may use fewer. */
  heldSlots: number;
  service: Service;
  readonly reals: Map<IpAddress, RealIndex>;
  /** Reals that are not configured any more and whose flows are held. */
  readonly goneReals: Map<IpAddress, RealIndex>;
  delegate: Delegate | undefined;
  /** The transition of the ring; undefined while every slot is stable. */
  transition: Transition | undefined;
  /** True until the first table: fields that memory does not hold are guesses. */
  takenOver: boolean;
}

const PROTOCOL_NUMBER = { tcp: 6, udp: 17, sctp: 132 } as const;
const PROTOCOLS = Object.keys(PROTOCOL_NUMBER) as ServiceKey['protocol'][];

/** Returns the service table's keys of a service, one for each port. */
export function bucketKeys(service: ServicePorts): readonly BucketKey[] {
  const { vip, protocol } = service;
  return portsOf(service).map((port) => ({ vip, port, protocol: PROTOCOL_NUMBER[protocol] }));
}

export function vipKey(vip: IpAddress): BucketKey {
  return { vip, port: 0, protocol: 0 };
}

export function protocolName(number: number): ServiceKey['protocol'] {
  return PROTOCOLS.find((name) => PROTOCOL_NUMBER[name] === number) ?? 'tcp';
}

/** The three parts of a service's key in one value that a Map can hold: a number for IPv4, a bigint for IPv6. */
export type RecordKey = number | bigint;

export function recordKey({ vip, port, protocol }: ServiceKey): RecordKey {
  const transport = port * 4 + PROTOCOLS.indexOf(protocol);
  return isIpv4(vip) ? vip * 2 ** 18 + transport : (vip << 18n) | BigInt(transport);
}

/** Returns the record keys of a service, one for each port. */
export function recordKeys(service: ServicePorts): readonly RecordKey[] {
  return portsOf(service).map((port) => recordKey({ ...service, port }));
}

type ServicePorts = ServiceKey & { readonly morePorts?: readonly Port[] };

function portsOf({ port, morePorts = [] }: ServicePorts): readonly Port[] {
  return [...new Set([port, ...morePorts])];
}

/** Returns the entries of the service table to remove and to add when one service becomes another. */
export function portChange(
  from: ServicePorts,
  to: ServicePorts,
): { readonly leaving: readonly BucketKey[]; readonly coming: readonly BucketKey[] } {
  const [before, after] = [bucketKeys(from), bucketKeys(to)];
  return { leaving: without(before, after), coming: without(after, before) };
}

function without(keys: readonly BucketKey[], others: readonly BucketKey[]): readonly BucketKey[] {
  return keys.filter(({ port }) => !others.some((other) => other.port === port));
}

/** The options of a service that decide its kind. */
export interface KindOptions extends Pick<Service, 'scheduler' | 'protocol'> {
  readonly onePacket?: boolean | undefined;
  readonly persistence?: Persistence | undefined;
  readonly reals: readonly Pick<Real, 'upperThreshold'>[];
}

/** Returns the service's kind, that is, who chooses its reals; see `enum service_kind` in `bpf/layout.h`. */
export function serviceKind(service: KindOptions): number {
  const { scheduler, protocol, onePacket, persistence, reals } = service;
  const isPlain = persistence === undefined && reals.every(({ upperThreshold = 0 }) => upperThreshold === 0);
  const isRotation = scheduler === 'rr' || scheduler === 'wrr';
  if (protocol === 'sctp') return SERVICE_KIND.rare;
  if (isPlain && scheduler === 'mh') return SERVICE_KIND.hash;
  if (protocol === 'udp' && onePacket) return isPlain && isRotation ? SERVICE_KIND.turns : SERVICE_KIND.rare;
  return isPlain && isRotation ? SERVICE_KIND.rotation : SERVICE_KIND.delegated;
}

export function isDelegated(kind: number): boolean {
  return kind === SERVICE_KIND.delegated || kind === SERVICE_KIND.rare;
}

export function portMaskOf(service: Service): number {
  const { scheduler, hashOn, persistence } = service;
  return persistence !== undefined || (scheduler === 'mh' && hashOn === 'source') ? 0 : 0xffff;
}

/** Returns true if two services are the same in everything, reals and their order included. */
export function sameService(a: Service, b: Service): boolean {
  if (a === b) return true;
  return (
    a.scheduler === b.scheduler &&
    sameList(a.schedulerFlags, b.schedulerFlags) &&
    sameList<Port>(a.morePorts, b.morePorts) &&
    a.hashOn === b.hashOn &&
    (a.onePacket ?? false) === (b.onePacket ?? false) &&
    samePersistence(a.persistence, b.persistence) &&
    sameTunnel(a.tunnel, b.tunnel) &&
    a.blackhole.policy === b.blackhole.policy &&
    a.blackhole.after === b.blackhole.after &&
    (a.claim ?? 'always') === (b.claim ?? 'always') &&
    a.reals.length === b.reals.length &&
    a.reals.every((real, i) => sameReal([a, real], [b, b.reals[i] as Real]))
  );
}

function sameReal([serviceA, a]: readonly [Service, Real], [serviceB, b]: readonly [Service, Real]): boolean {
  return (
    a.address === b.address &&
    a.weight === b.weight &&
    a.serving === b.serving &&
    (a.hasWay ?? true) === (b.hasWay ?? true) &&
    (a.inhibited ?? false) === (b.inhibited ?? false) &&
    (a.upperThreshold ?? 0) === (b.upperThreshold ?? 0) &&
    (a.lowerThreshold ?? 0) === (b.lowerThreshold ?? 0) &&
    sameTunnel(tunnelOf(serviceA, a), tunnelOf(serviceB, b))
  );
}

function sameList<T extends SchedulerFlag | Port>(a: readonly T[] = [], b: readonly T[] = []): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function samePersistence(a: Persistence | undefined, b: Persistence | undefined): boolean {
  return a?.timeoutMs === b?.timeoutMs && a?.prefixLength === b?.prefixLength;
}
