// Contradictions between the type of a tunnel and its options.
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { field } from './raw-config.ts';

const CHECKSUMS: Readonly<Record<string, readonly string[]>> = {
  gre: ['none', 'full'],
  gue: ['none', 'full', 'remote'],
};

/** Returns options that a type of tunnel does not support, or that it requires. */
export function tunnelFaults(path: IssuePath, tunnel: unknown): ConfigIssue[] {
  const type = field(tunnel, 'type');
  if (type !== 'ipip' && type !== 'gre' && type !== 'gue') return [];
  return [...portFaults(path, tunnel, type), ...checksumFaults(path, tunnel, type)];
}

function portFaults(path: IssuePath, tunnel: unknown, type: string): ConfigIssue[] {
  const given = field(tunnel, 'port') !== undefined;
  if (type === 'gue' && !given) {
    const message = 'port is missing; allowed: the UDP port at which the reals receive GUE, such as 6080';
    return [{ path, message }];
  }
  if (type === 'gue' || !given) return [];
  const message = `port is for tunnels of type gue, but the type here is ${type}; fix: remove this key`;
  return [{ path: [...path, 'port'], atKey: true, message }];
}

function checksumFaults(path: IssuePath, tunnel: unknown, type: string): ConfigIssue[] {
  const checksum = field(tunnel, 'checksum');
  if (typeof checksum !== 'string') return [];
  const allowed = CHECKSUMS[type];
  if (allowed === undefined) {
    const message = `checksum is for tunnels of type gre or gue, but the type here is ${type}; fix: remove this key`;
    return [{ path: [...path, 'checksum'], atKey: true, message }];
  }
  if (allowed.includes(checksum) || checksum !== 'remote') return [];
  const message = `found remote, which only tunnels of type gue support; allowed: one of ${allowed.join(', ')}`;
  return [{ path: [...path, 'checksum'], message }];
}
