// The number of this process's network namespace.
import { statSync } from 'node:fs';

/** The number of this process's network namespace. */
export function namespaceInode(): string {
  return String(statSync('/proc/self/ns/net').ino);
}
