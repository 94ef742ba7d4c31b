import { readFile } from 'node:fs/promises';
import { parseIpv4 } from '../net/ipv4-address.ts';
import type { HostFacts } from './host.ts';

/**
 * Reads the facts from /proc, which shows this process's own network namespace; /sys/class/net shows the one that
 * sysfs was mounted in, and `os.networkInterfaces()` leaves out interfaces without carrier or address.
 */
export async function readHostFacts(): Promise<HostFacts> {
  const [devices, routes] = await Promise.all([
    readFile('/proc/net/dev', 'utf8'),
    readFile('/proc/net/fib_trie', 'utf8'),
  ]);
  return parseHostFacts(devices, routes);
}

export function parseHostFacts(devices: string, routes: string): HostFacts {
  const interfaces = [...devices.matchAll(/^\s*([^\s:|]+):/gm)].map((match) => match[1] ?? '');
  const local = [...routes.matchAll(/\|-- ([\d.]+)\n(?:\s+\/\d+ [^\n]*\n)*?\s+\/32 host LOCAL/g)];
  const addresses = local
    .map((match) => parseIpv4(match[1] ?? ''))
    .filter((address) => address !== undefined);
  return { interfaces, addresses: [...new Set(addresses)] };
}
