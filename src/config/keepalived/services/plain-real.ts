// Translates a real server.
import { isIP } from 'node:net';
import type { IssuePath } from '../../validate/issue.ts';
import type { BfdInstances } from '../checks/bfd-settings.ts';
import type { ReadCheck } from '../checks/read-check.ts';
import { plainCheck } from '../checks/real-checks.ts';
import { mergeTiming } from '../checks/timing.ts';
import type { TrackFiles } from '../checks/track-files.ts';
import type { Findings } from '../text/place.ts';
import type { Origins } from '../values/origins.ts';
import { plainSettings } from '../values/plain-settings.ts';
import { tellOtherPort } from '../values/port.ts';
import { withUser } from '../values/read-command.ts';
import { IGNORED, type Setting } from '../values/read-values.ts';
import { ownTunnel } from './culvert-tunnel.ts';
import type { PlainTunnel } from './forwarding-method.ts';
import type { RealServer } from './real-server-block.ts';
import type { VirtualServer } from './virtual-server-keywords.ts';

export interface RealContext {
  readonly server: VirtualServer;
  /** The service's; undefined where its method is none that culvert has. */
  readonly tunnel: Setting<PlainTunnel> | undefined;
  readonly servicePort: number;
  readonly path: IssuePath;
  readonly origins: Origins;
  readonly findings: Findings;
  readonly trackFiles: TrackFiles;
  readonly bfdInstances: BfdInstances;
  readonly scriptUser: Setting<string> | undefined;
}

/** A real as culvert's YAML has it. */
export function plainReal(real: RealServer, context: RealContext): object {
  const { server, path, origins, scriptUser } = context;
  const origin = { place: real.address.place, keyword: 'real_server' };
  origins.set(path, origin);
  const { upperThreshold, lowerThreshold, onUp, onDown } = real;
  const settings = {
    address: { value: real.address.text, origin },
    weight: weightOf(real, server),
    upperThreshold,
    lowerThreshold,
    tunnel: ownTunnel(real.tunnel, context.tunnel),
    inhibitOnFailure: real.inhibitOnFailure ?? server.inhibitOnFailure,
    onUp: withUser(onUp, scriptUser),
    onDown: withUser(onDown, scriptUser),
  };
  return { ...plainSettings(settings, path, origins), ...plainChecks(real, context) };
}

export function weightOf(real: RealServer, server: VirtualServer): Setting<number> {
  const origin = { place: real.address.place, keyword: 'real_server' };
  return real.weight ?? server.weight ?? { value: 1, origin };
}

function plainChecks(real: RealServer, context: RealContext): object {
  const { path, findings, servicePort } = context;
  if (real.port !== undefined) tellOtherPort(real.port, servicePort, 'real_server', findings);
  const checksOfReal = real.checks.filter((check) => check.kind.isLeftOut?.(check, context) !== true);
  const [only, ...others] = checksOfReal;
  if (only === undefined) return { check: 'none' };
  if (others.length === 0)
    return { check: plainCheckOf(only, real, { ...context, path: [...path, 'check'] }) };
  const checks = checksOfReal.map((check, index) =>
    plainCheckOf(check, real, { ...context, path: [...path, 'checks', index] }),
  );
  return { checks };
}

function plainCheckOf(check: ReadCheck, real: RealServer, context: RealContext): object {
  const { server, servicePort } = context;
  const { connection } = check;
  const bind = usableBind(check, real, context.findings);
  const address = connection.address?.value === real.address.text ? undefined : connection.address;
  const port = connection.port ?? writtenPort(real, servicePort);
  return plainCheck(
    { ...check, bind, connection: { ...connection, address, port } },
    {
      ...context,
      around: mergeTiming(server.timing, real.timing),
      outermost: server.timing,
      virtualHost: real.virtualHost ?? server.virtualHost,
    },
  );
}

/** keepalived takes no source of another family than that of what it connects to. */
function usableBind(
  { bind, connection }: ReadCheck,
  real: RealServer,
  findings: Findings,
): ReadCheck['bind'] {
  const { address, ...others } = bind;
  const target = connection.address?.value ?? real.address.text;
  if (address === undefined || isIP(address.value) === isIP(target)) return bind;
  const { place, keyword } = address.origin;
  findings.complain(place, `${keyword}: found ${address.value}, which cannot reach ${target}; ${IGNORED}`);
  return others;
}

/** keepalived checks the port that is written, although the traffic goes to another. */
function writtenPort({ address, port }: RealServer, servicePort: number): Setting<number> | undefined {
  if (port === undefined || port.value === servicePort) return undefined;
  return { value: port.value, origin: { place: address.place, keyword: 'real_server' } };
}
