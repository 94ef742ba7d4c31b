// Looks up the users and programs that a keepalived.conf names on this machine.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND_PATH } from '../../linux/process/run-command.ts';
import { lookUpUser } from '../../linux/process/user.ts';
import type { HostLookup } from '../keepalived/text/place.ts';

export const thisHost: HostLookup = { isKnown: true, userFault, programFault };

export function userFault(user: string): string | undefined {
  try {
    lookUpUser(user);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Looks where a command would be started from: keepalived searches the path for a name without a slash, too. */
function programFault(program: string): string | undefined {
  if (program.includes('/')) return isFile(program) ? undefined : `there is no program ${program}`;
  const found = COMMAND_PATH.split(':').some((directory) => isFile(join(directory, program)));
  return found ? undefined : `there is no program ${program} in ${COMMAND_PATH}`;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
