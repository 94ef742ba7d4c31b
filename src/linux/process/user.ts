// Users and groups by name and number.
import { readFileSync } from 'node:fs';

/** Whom a process runs as. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The numbers of `NAME` or `NAME:GROUP`, either of which may be a number itself; without a group the user's own.
 * It reads /etc/passwd and /etc/group: what other sources (LDAP and the like) know has to be given by number.
 * @throws Error that says what does not exist
 */
export function lookUpUser(text: string): UserIds {
  const [name = '', group] = text.split(':');
  const entry = entryOf('/etc/passwd', name);
  const uid = numberOf(entry?.[2] ?? name);
  if (uid === undefined) throw new Error(`there is no user '${name}' in /etc/passwd`);
  const gid = numberOf(group === undefined ? entry?.[3] : (entryOf('/etc/group', group)?.[2] ?? group));
  if (gid !== undefined) return { uid, gid };
  const message =
    group === undefined
      ? `user ${name} is not in /etc/passwd: its group has to be given, as ${name}:GROUP`
      : `there is no group '${group}' in /etc/group`;
  throw new Error(message);
}

/** Returns the environment variables that login(1) sets for this user. */
export function loginVariables(uid: number): Readonly<Record<string, string>> {
  const [name = `${uid}`, , , , , home = '', shell = ''] = entryOf('/etc/passwd', `${uid}`) ?? [];
  return {
    USER: name,
    LOGNAME: name,
    HOME: home === '' ? '/' : home,
    SHELL: shell === '' ? '/bin/sh' : shell,
  };
}

/** The fields of the line for a name, or for a number in the third of them. */
function entryOf(path: string, name: string): readonly string[] | undefined {
  const entries = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  return entries.find(([first]) => first === name) ?? entries.find((fields) => fields[2] === name);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
