// The settings of the kernel that matter to a real server.
import type { IpFamily } from '../../net/address/ip-address.ts';
import type { RealServerFacts } from './facts.ts';

/** Settings of which the kernel uses the larger of `all`'s and the interface's (Documentation/networking/ip-sysctl.rst). */
export type LargerSetting = 'arp_ignore' | 'arp_announce' | 'rp_filter';

/** The settings that make the host a router. */
export const FORWARDING: Readonly<Record<IpFamily, string>> = {
  4: 'net/ipv4/ip_forward',
  6: 'net/ipv6/conf/all/forwarding',
};

/** Answers ARP only for addresses of the interface asked on (1), of its subnet (2), or for none (8). */
const ARP_SILENT = ['1', '2', '8'];

export function settingPath(setting: string, interfaceName: string, family: IpFamily = 4): string {
  return `net/ipv${family}/conf/${interfaceName}/${setting}`;
}

/** `net/ipv4/conf/all/rp_filter` as sysctl(8) has it; a path with dots (VLAN interfaces) keeps its slashes. */
export function sysctlText(path: string): string {
  return path.includes('.') ? path : path.replaceAll('/', '.');
}

/** Returns the value in effect for an interface: the larger of its own and the general one. */
export function effective(facts: RealServerFacts, setting: LargerSetting, interfaceName: string): number {
  const values = ['all', interfaceName].map((name) => facts.sysctls[settingPath(setting, name)]);
  return Math.max(...values.map((value) => Number(value ?? 0)));
}

/** Returns true if ARP requests for an address of another interface, such as a VIP on lo, stay unanswered. */
export function arpSilent(value: number | string): boolean {
  return ARP_SILENT.includes(String(value));
}

/**
 * Returns true if strict reverse-path filtering (RFC 3704) drops clients' packets. On a tunnel device it always does, because no
 * route to a client leaves by it; on the NIC where the default route leaves by another interface.
 */
export function dropsByReversePath(facts: RealServerFacts, interfaceName: string): boolean {
  if (effective(facts, 'rp_filter', interfaceName) !== 1) return false;
  const isTunnel = facts.tunnels.some(({ name }) => name === interfaceName);
  return isTunnel || !facts.defaultRoutes.includes(interfaceName);
}

/** Returns true if IPv6 is disabled there, so that the kernel drops its packets and refuses an address. */
export function ipv6IsOff(facts: RealServerFacts, interfaceName: string): boolean {
  return facts.sysctls[settingPath('disable_ipv6', interfaceName, 6)] === '1';
}
