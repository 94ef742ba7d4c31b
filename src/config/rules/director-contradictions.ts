// Contradictions between the settings of the director.
import type { ConfigIssue } from '../validate/issue.ts';
import type { DirectorOptions, PartialConfig } from './partial-config.ts';

export function directorFaults({ director }: PartialConfig): ConfigIssue[] {
  return director === undefined ? [] : [...interfaceFaults(director), ...listenFaults(director)];
}

function interfaceFaults({ interface: one, interfaces: several, plane }: DirectorOptions): ConfigIssue[] {
  if (one !== undefined && several !== undefined) {
    const message = 'found interfaces next to interface; allowed: only one of them';
    return [{ path: ['director', 'interfaces'], atKey: true, message }];
  }
  if (one !== undefined || several !== undefined || plane === 'simulated') return [];
  const message =
    'interface is missing; allowed: the name of the network interface that VIP traffic reaches, or interfaces with a list of them';
  return [{ path: ['director'], message }];
}

function listenFaults({ listen, metricsListen }: DirectorOptions): ConfigIssue[] {
  const metrics = endpointOf(metricsListen);
  if (metrics === undefined || endpointOf(listen) !== metrics) return [];
  const message = `found ${metrics}, which director.listen already uses; allowed: another address or port`;
  return [{ path: ['director', 'metricsListen'], message }];
}

/** Returns the endpoint; undefined where it is neither a text nor a mapping with both parts. */
function endpointOf(listen: DirectorOptions['listen']): string | undefined {
  if (typeof listen === 'string') return listen;
  if (typeof listen !== 'object') return undefined;
  const { address, port } = listen;
  if (typeof address !== 'string' || typeof port !== 'number') return undefined;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
