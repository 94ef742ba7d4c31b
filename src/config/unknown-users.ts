import { lookUpUser } from '../linux/user.ts';
import type { ServiceConfig } from './config.ts';
import type { Users } from './keepalived/place.ts';

export interface UnknownUser {
  /** The first that names it. */
  readonly service: ServiceConfig;
  /** What does not exist. */
  readonly fault: string;
}

/**
 * The users that commands and checks are to be run as and that this machine does not know, each told once: the first
 * failure would be a late time to learn of it. No error of the configuration, for a user may be added at any time.
 */
export function unknownUsers(services: readonly ServiceConfig[]): readonly UnknownUser[] {
  const firsts = new Map<string, ServiceConfig>();
  for (const service of services)
    for (const user of usersOf(service)) if (!firsts.has(user)) firsts.set(user, service);
  return [...firsts].flatMap(([user, service]) => {
    const fault = faultOf(user);
    return fault === undefined ? [] : [{ service, fault }];
  });
}

function usersOf({ onQuorumUp, onQuorumDown, reals }: ServiceConfig): readonly string[] {
  const users = [
    onQuorumUp?.user,
    onQuorumDown?.user,
    ...reals.flatMap(({ onUp, onDown, checks }) => [
      onUp?.user,
      onDown?.user,
      ...checks.map(({ probe }) => (probe.type === 'misc' ? probe.user : undefined)),
    ]),
  ];
  return users.filter((user) => user !== undefined);
}

/** For a keepalived.conf: keepalived ignores commands that are to run as somebody unknown. */
export const usersOfThisHost: Users = { areKnown: true, faultOf };

function faultOf(user: string): string | undefined {
  try {
    lookUpUser(user);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
