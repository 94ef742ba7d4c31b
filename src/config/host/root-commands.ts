// Commands and checks that run with the rights of root.

import type { ServiceConfig } from '../../contract/config/service-contract.ts';
import { lookUpUser } from '../../linux/process/user.ts';

/**
 * Returns a warning when commands or checks run as root: everybody who may write to such a program or its directory could become
 * root. Undefined if none does.
 * @param ownUid the user ID that runs commands and checks without a user
 */
export function rootCommandWarning(services: readonly ServiceConfig[], ownUid: number): string | undefined {
  const all = services.flatMap((service) => commandsOf(service).filter((user) => isRoot(user, ownUid)));
  if (all.length === 0) return undefined;
  const what = all.length === 1 ? 'one command or check runs' : `${all.length} commands or checks run`;
  return `${what} as root; fix: give each a \`user\` with only the rights that it needs`;
}

/** The user of each. */
function commandsOf({ onQuorumUp, onQuorumDown, reals }: ServiceConfig): readonly (string | undefined)[] {
  const probes = reals.flatMap(({ checks }) =>
    checks.flatMap(({ probe }) => (probe.type === 'misc' ? [probe] : [])),
  );
  const commands = [onQuorumUp, onQuorumDown, ...reals.flatMap(({ onUp, onDown }) => [onUp, onDown])];
  return [...commands, ...probes].flatMap((command) => (command === undefined ? [] : [command.user]));
}

function isRoot(user: string | undefined, ownUid: number): boolean {
  if (user === undefined) return ownUid === 0;
  try {
    return lookUpUser(user).uid === 0;
  } catch {
    // Another warning reports the unknown user.
    return false;
  }
}
