import { existsSync, readFileSync } from 'node:fs';
import type { IpAddress } from '../net/ip-address.ts';
import { parseIpv4 } from '../net/ipv4-address.ts';
import { parseIpv6 } from '../net/ipv6-address.ts';
import { withSpareDescriptors } from '../spare-descriptors.ts';
import type { HostFacts } from './host.ts';

/**
 * Reads the facts from /proc, which shows this process's own network namespace; /sys/class/net shows the one that
 * sysfs was mounted in, and `os.networkInterfaces()` leaves out interfaces without carrier or address.
 */
export async function readHostFacts(): Promise<HostFacts> {
  return parseHostFacts(
    readFact('/proc/net/dev'),
    readFact('/proc/net/fib_trie'),
    // There is no such file where IPv6 is off.
    existsSync('/proc/net/if_inet6') ? readFact('/proc/net/if_inet6') : '',
  );
}

/** Not by the thread pool: the kernel makes these files up, and while descriptors are short nobody must come between. */
function readFact(path: string): string {
  return withSpareDescriptors(() => readFileSync(path, 'utf8'));
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
