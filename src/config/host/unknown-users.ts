// Finds users of commands and checks that this machine does not have.
import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { userFault } from './this-host.ts';

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
    const fault = userFault(user);
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
