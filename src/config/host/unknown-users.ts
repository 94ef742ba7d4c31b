// Finds users of commands and checks that this machine does not have.
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { lookUpUser } from '../../linux/process/user.ts';
import type { Users } from '../keepalived/text/place.ts';

export interface UnknownUser {
  /** The first service that names it. */
  readonly service: ServiceConfig;
  /** The user or group that does not exist. */
  readonly fault: string;
}

/**
 * Returns the users of commands and checks that this machine does not have, each once. This is not an error of the
 * configuration, because a user may be added at any time; but the first failure is too late to learn of it.
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

/** The users of this host, for a keepalived.conf: keepalived ignores commands that are to run as an unknown user. */
export const usersOfThisHost: Users = { areKnown: true, faultOf };

function faultOf(user: string): string | undefined {
  try {
    lookUpUser(user);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
