// Contradictions between checks that share a BFD session.
import type { BfdProbeConfig } from '../../contract/checks/probe-config.ts';
import type { CulvertConfig } from '../../contract/config/config.ts';
import { formatIp, type IpAddress } from '../../net/address/ip-address.ts';
import type { ConfigIssue, IssuePath } from '../validate/issue.ts';

/** A BFD session that a check asks for. */
interface AskedSession {
  readonly path: IssuePath;
  readonly neighbor: string;
  readonly probe: BfdProbeConfig;
}

/** Returns contradictions between BFD checks, with defaults filled in because they count. */
export function bfdFaults(config: CulvertConfig, placeOf: (path: IssuePath) => string): ConfigIssue[] {
  const firsts = new Map<string, AskedSession>();
  return askedSessions(config).flatMap((asked) => {
    const { path, neighbor, probe } = asked;
    const key = `${neighbor} ${probe.source ?? ''} ${probe.multihop}`;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, asked);
    if (first === undefined || isSame(first.probe, probe)) return [];
    const message = `BFD with ${neighbor} has different values here than in ${placeOf(first.path)}; allowed: the same values, because a neighbor has one session`;
    return [{ path, message }];
  });
}

function askedSessions({ services }: CulvertConfig): AskedSession[] {
  return services.flatMap((service, index) =>
    service.reals.flatMap(({ address, checks }, position) =>
      checks.flatMap(({ probe }) =>
        probe.type === 'bfd'
          ? [{ path: ['services', index, 'reals', position], neighbor: neighborOf(probe, address), probe }]
          : [],
      ),
    ),
  );
}

function neighborOf({ neighbor }: BfdProbeConfig, real: IpAddress): string {
  return neighbor ?? formatIp(real);
}

function isSame(
  { neighbor: _one, ...one }: BfdProbeConfig,
  { neighbor: _other, ...other }: BfdProbeConfig,
): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
