// The address families of the kernel.
import { familyOf, type IpAddress, type IpFamily } from '../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../net/address/ipv6-address.ts';

/** Address families of include/linux/socket.h; `unspecified`: both IP families, where a request allows it. */
export const AF = { unspecified: 0, inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;

/** 0.0.0.0 and ::, which stand for any address. */
export const ANY_ADDRESS: { readonly 4: Ipv4Address; readonly 6: Ipv6Address } = {
  4: 0 as Ipv4Address,
  6: 0n as Ipv6Address,
};

/** The kernel's number for it; left out: for both. */
export function kernelFamily(family: IpFamily | undefined): number {
  if (family === undefined) return AF.unspecified;
  return family === 4 ? AF.inet : AF.inet6;
}

export function kernelFamilyOf(address: IpAddress): number {
  return kernelFamily(familyOf(address));
}

/** Returns the IP family; undefined for others: the kernel reports bridges and multicast routing in the same messages. */
export function ipFamily(kernelNumber: number | undefined): IpFamily | undefined {
  if (kernelNumber === AF.inet) return 4;
  return kernelNumber === AF.inet6 ? 6 : undefined;
}
