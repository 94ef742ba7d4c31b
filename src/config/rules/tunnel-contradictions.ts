// Contradictions between the type of a tunnel and its options.
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';
import { type PartialConfig, type TunnelOptions, WRONG } from './partial-config.ts';

const CHECKSUMS: Readonly<Record<string, readonly string[]>> = {
  gre: ['none', 'full'],
  gue: ['none', 'full', 'remote'],
};

/** Returns options that a type of tunnel does not support, or that it requires, at every level that may have a tunnel. */
export function tunnelFaults({ defaults, services }: PartialConfig): ConfigIssue[] {
  const hosts = services.flatMap(({ reals, sorryServer }) => [
    ...reals,
    ...(sorryServer ? [sorryServer] : []),
  ]);
  return [defaults, ...services, ...hosts].flatMap(({ path, options }) =>
    faultsOf([...path, 'tunnel'], options.tunnel),
  );
}

function faultsOf(path: IssuePath, tunnel: TunnelOptions): ConfigIssue[] {
  if (typeof tunnel !== 'object') return [];
  const { type } = tunnel;
  if (type === undefined || type === WRONG) return [];
  return [...portFaults(path, tunnel, type), ...checksumFaults(path, tunnel, type)];
}

type TunnelMapping = Extract<TunnelOptions, object>;

function portFaults(path: IssuePath, { port }: TunnelMapping, type: string): ConfigIssue[] {
  const given = port !== undefined;
  if (type === 'gue' && !given) {
    const message = 'port is missing; allowed: the UDP port at which the reals receive GUE, such as 6080';
    return [{ path, message }];
  }
  if (type === 'gue' || !given) return [];
  const message = `port is for tunnels of type gue, but the type here is ${type}; fix: remove this key`;
  return [{ path: [...path, 'port'], atKey: true, message }];
}

function checksumFaults(path: IssuePath, { checksum }: TunnelMapping, type: string): ConfigIssue[] {
  if (checksum === undefined || checksum === WRONG) return [];
  const allowed = CHECKSUMS[type];
  if (allowed === undefined) {
    const message = `checksum is for tunnels of type gre or gue, but the type here is ${type}; fix: remove this key`;
    return [{ path: [...path, 'checksum'], atKey: true, message }];
  }
  if (allowed.includes(checksum) || checksum !== 'remote') return [];
  const message = `found remote, which only tunnels of type gue support; allowed: one of ${allowed.join(', ')}`;
  return [{ path: [...path, 'checksum'], message }];
}
