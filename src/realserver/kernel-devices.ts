import type { TunnelKind, TunnelSettings } from '../linux/netlink/tunnel.ts';
import { familyOf, type IpFamily } from '../net/ip-address.ts';
import type { RealServerFacts, TunnelFacts } from './facts.ts';
import type { VerifyOptions } from './options.ts';
import { outerFamilies } from './tunnel-room.ts';

type Wanted = Pick<VerifyOptions, 'vips' | 'directors' | 'tunnel'>;

/** A device by which the kernel takes outer headers off. */
export interface KernelDevice {
  readonly kind: TunnelKind;
  /** Of the device that the module makes, which takes packets from anyone to anyone; else of one that is ours. */
  readonly name: string;
  readonly module: string;
  readonly outer: IpFamily;
  /** The families of VIPs whose packets come by it. */
  readonly carries: readonly IpFamily[];
  /** Of one of our own, bound to the host's address: what the module's is not, and cannot be made. */
  readonly own: Pick<TunnelSettings, 'checksum' | 'innerProtocol'> | undefined;
}

/** What takes UDP and GUE off, so that an ipip, sit or ip6tnl device gets the rest. */
export const GUE_MODULE = 'fou';

/** The devices that the VIPs' packets need, one for each outer family and, in IPv4 without GRE, each inner one. */
export function kernelDevices(options: Wanted): readonly KernelDevice[] {
  const inner = ([4, 6] as const).filter((family) => options.vips.some((vip) => familyOf(vip) === family));
  return outerFamilies(options).flatMap((outer) => {
    if (options.tunnel.type === 'gre') return [greDevice(outer, inner, options.tunnel.checksum === 'full')];
    return outer === 4 ? inner.map(deviceOverIpv4) : [deviceOverIpv6(inner)];
  });
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

/** The device on this host: the one of that name or, as the module's own may be missing, another one of its kind. */
export function foundDevice({ tunnels }: RealServerFacts, device: KernelDevice): TunnelFacts | undefined {
  const named = tunnels.find(({ name }) => name === device.name);
  return named ?? (device.own === undefined ? tunnels.find(({ kind }) => kind === device.kind) : undefined);
}

/** What holds the VIPs of a family: the first device that their packets come by. */
export function holderOf(facts: RealServerFacts, options: Wanted, family: IpFamily): string | undefined {
  const device = kernelDevices(options).find(({ carries }) => carries.includes(family));
  return device === undefined ? undefined : (foundDevice(facts, device)?.name ?? device.name);
}

/** What there is no way around: without these modules the kernel's way is none. */
export function neededModules(options: Wanted): readonly string[] {
  const modules = kernelDevices(options).map(({ module }) => module);
  return options.tunnel.type === 'gue' ? [GUE_MODULE, ...modules] : modules;
}
