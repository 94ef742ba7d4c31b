// The quorum of a service as a state machine.
import type { Service, ServiceName } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';

export type QuorumState = 'up' | 'lost';

export interface QuorumRule {
  readonly quorum: number;
  /** Less than the quorum. */
  readonly hysteresis: number;
}

/**
 * A service's quorum, as keepalived has it (update_quorum_state() of ipwrapper.c): lost below quorum - hysteresis, or when
 * nothing is up; gained at quorum + hysteresis.
 * @param before undefined: the service is new, and has the quorum only if it would gain it
 * @param weight that of all its reals that are up
 */
export function nextQuorum(
  before: QuorumState | undefined,
  weight: number,
  { quorum, hysteresis }: QuorumRule,
): QuorumState {
  const threshold = before === 'up' ? quorum - hysteresis : quorum + hysteresis;
  return weight > 0 && weight >= threshold ? 'up' : 'lost';
}

/** Returns the quorums of the services that a plane holds, from what was saved. */
export function forwardedQuorums(
  services: readonly Service[],
  lost: ReadonlySet<ServiceName>,
): ReadonlyMap<ServiceName, QuorumState> {
  const names = services.map(formatServiceName);
  return new Map(names.map((name) => [name, lost.has(name) ? 'lost' : 'up'] as const));
}
