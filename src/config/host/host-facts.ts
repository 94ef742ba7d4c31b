// Reads the facts of this machine that a configuration needs.
import { readFileSync } from 'node:fs';
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import type { HostFacts } from './require-host.ts';

/**
 * Reads the facts from /proc, which shows this process's own network namespace; /sys/class/net shows the one that
 * sysfs was mounted in, and `os.networkInterfaces()` leaves out interfaces without carrier or address.
 */
export async function readHostFacts(): Promise<HostFacts> {
  // Read directly, not by the thread pool: the kernel generates this file at once, and while descriptors are short nothing else may
  // take one.
  return parseHostFacts(withSpareDescriptors(() => readFileSync('/proc/net/dev', 'utf8')));
}

/** @param devices /proc/net/dev */
export function parseHostFacts(devices: string): HostFacts {
  return { interfaces: [...devices.matchAll(/^\s*([^\s:|]+):/gm)].map((match) => match[1] ?? '') };
}
