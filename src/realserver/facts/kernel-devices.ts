// The tunnel devices with which the kernel decapsulates.
import type { TunnelKind, TunnelSettings } from '../../linux/netlink/devices/tunnel.ts';
import { familyOf, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import { type Served, tunnelsOf, type VerifyOptions } from '../options.ts';
import { outerFamilies } from '../plan/tunnel-room.ts';
import type { RealServerFacts, TunnelFacts } from './facts.ts';

export type Devices = Pick<VerifyOptions, 'serves' | 'directors'>;

/** A tunnel device with which the kernel decapsulates. */
export interface KernelDevice {
  readonly kind: TunnelKind;
  /** Name of the module's own device, which takes packets from anyone to anyone, or of a device that culvert creates. */
  readonly name: string;
  readonly module: string;
  readonly outer: IpFamily;
  /** The address families of the VIPs whose packets arrive on it. */
  readonly carries: readonly IpFamily[];
  /** Settings of a device that culvert creates, bound to the host's address, because the module's cannot have them. */
  readonly own: Pick<TunnelSettings, 'checksum' | 'innerProtocol'> | undefined;
}

/** The module that removes UDP and GUE, so that an ipip, sit or ip6tnl device gets the rest. */
export const GUE_MODULE = 'fou';

/** The devices that the VIPs' packets need, one for each outer family and, in IPv4 without GRE, each inner one. */
export function kernelDevices({ serves, directors }: Devices): readonly KernelDevice[] {
  return outerFamilies({ directors }).flatMap((outer) => [
    ...devicesWithoutGre(outer, serves),
    ...greDevices(outer, serves),
  ]);
}

/** Devices for IPIP, and for GUE once its port has removed UDP and GUE: both arrive on the same devices. */
function devicesWithoutGre(outer: IpFamily, serves: readonly Served[]): KernelDevice[] {
  const inner = innerFamilies(serves.filter(({ tunnel }) => tunnel.type !== 'gre'));
  if (inner.length === 0) return [];
  return outer === 4 ? inner.map(deviceOverIpv4) : [deviceOverIpv6(inner)];
}

function greDevices(outer: IpFamily, serves: readonly Served[]): KernelDevice[] {
  return (['none', 'full'] as const).flatMap((checksum) => {
    const inner = innerFamilies(
      serves.filter(({ tunnel }) => tunnel.type === 'gre' && tunnel.checksum === checksum),
    );
    return inner.length === 0 ? [] : [greDevice(outer, inner, checksum === 'full')];
  });
}

function innerFamilies(serves: readonly Served[]): IpFamily[] {
  return ([4, 6] as const).filter((family) => serves.some(({ vip }) => familyOf(vip) === family));
}

function deviceOverIpv4(family: IpFamily): KernelDevice {
  const common = { outer: 4, carries: [family], own: undefined } as const;
  return family === 4
    ? { kind: 'ipip', name: 'tunl0', module: 'ipip', ...common }
    : { kind: 'sit', name: 'sit0', module: 'sit', ...common };
}

/** `ip6tnl0` takes IPv6 alone, and before Linux 6.17 netlink cannot change that. */
function deviceOverIpv6(carries: readonly IpFamily[]): KernelDevice {
  const common = { kind: 'ip6tnl', module: 'ip6_tunnel', outer: 6, carries } as const;
  return carries.includes(4)
    ? { name: 'culvert-ip6tnl', own: { innerProtocol: 0 }, ...common }
    : { name: 'ip6tnl0', own: undefined, ...common };
}

/** The module's devices drop packets that have a checksum. */
function greDevice(outer: IpFamily, carries: readonly IpFamily[], checksum: boolean): KernelDevice {
  const common = { outer, carries, own: checksum ? { checksum } : undefined } as const;
  return outer === 4
    ? { kind: 'gre', name: checksum ? 'culvert-gre' : 'gre0', module: 'ip_gre', ...common }
    : { kind: 'ip6gre', name: checksum ? 'culvert-gre6' : 'ip6gre0', module: 'ip6_gre', ...common };
}

/** Finds the device on this host: by name or, as the module's own device may be missing, by kind. */
export function foundDevice({ tunnels }: RealServerFacts, device: KernelDevice): TunnelFacts | undefined {
  const named = tunnels.find(({ name }) => name === device.name);
  return named ?? (device.own === undefined ? tunnels.find(({ kind }) => kind === device.kind) : undefined);
}

/** Returns the device that holds a VIP: the first one on which its packets arrive. */
export function holderOf(
  facts: RealServerFacts,
  { serves, directors }: Devices,
  vip: IpAddress,
): string | undefined {
  const own = serves.filter((served) => served.vip === vip);
  // The device on which IPIP over IPv6 arrives depends on the other VIPs.
  const possible = kernelDevices({ serves, directors }).filter(({ carries }) =>
    carries.includes(familyOf(vip)),
  );
  const kinds = kernelDevices({ serves: own, directors }).map(
    ({ kind, own: made }) => `${kind} ${made?.checksum ?? false}`,
  );
  const device = possible.find(({ kind, own: made }) => kinds.includes(`${kind} ${made?.checksum ?? false}`));
  return device === undefined ? undefined : (foundDevice(facts, device)?.name ?? device.name);
}

/** Returns the modules without which the kernel cannot decapsulate these tunnels. */
export function neededModules(options: Devices): readonly string[] {
  const modules = new Set(kernelDevices(options).map(({ module }) => module));
  return guePortsOf(options.serves).length > 0 ? [GUE_MODULE, ...modules] : [...modules];
}

export function guePortsOf(serves: readonly Served[]): readonly number[] {
  return [...new Set(tunnelsOf(serves).flatMap((tunnel) => (tunnel.type === 'gue' ? [tunnel.port] : [])))];
}
