import { readFile } from 'node:fs/promises';
import type { IpAddress } from '../net/ip-address.ts';
import { parseIpv4 } from '../net/ipv4-address.ts';
import { parseIpv6 } from '../net/ipv6-address.ts';
import type { HostFacts } from './host.ts';

/**
 * Reads the facts from /proc, which shows this process's own network namespace; /sys/class/net shows the one that
 * sysfs was mounted in, and `os.networkInterfaces()` leaves out interfaces without carrier or address.
 */
export async function readHostFacts(): Promise<HostFacts> {
  const [devices, routes, ipv6] = await Promise.all([
    readFile('/proc/net/dev', 'utf8'),
    readFile('/proc/net/fib_trie', 'utf8'),
    // There is no such file where IPv6 is off.
    readFile('/proc/net/if_inet6', 'utf8').catch(() => ''),
  ]);
  return parseHostFacts(devices, routes, ipv6);
}

export function parseHostFacts(devices: string, routes: string, ipv6: string): HostFacts {
  const interfaces = [...devices.matchAll(/^\s*([^\s:|]+):/gm)].map((match) => match[1] ?? '');
  const local = [...routes.matchAll(/\|-- ([\d.]+)\n(?:\s+\/\d+ [^\n]*\n)*?\s+\/32 host LOCAL/g)];
  const addresses: (IpAddress | undefined)[] = [
    ...local.map((match) => parseIpv4(match[1] ?? '')),
    ...ipv6.split('\n').map((line) => parseIpv6(line.slice(0, 32).replaceAll(/(.{4})(?!$)/g, '$1:'))),
  ];
  return { interfaces, addresses: [...new Set(addresses.filter((address) => address !== undefined))] };
}
