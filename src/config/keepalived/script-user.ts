import { userAndGroup } from './commands.ts';
import type { Findings } from './place.ts';
import { expected, originOf, type Setting } from './read-values.ts';
import { parametersOf, type Statement } from './statement.ts';

/** Whom commands run as: `script_user` in global_defs, `user` in MISC_CHECK. */
export function readScriptUser(statement: Statement, findings: Findings): Setting<string> | undefined {
  const user = expected(statement, 'a user, and optionally a group', findings);
  if (user === undefined) return undefined;
  return { value: userAndGroup(user, parametersOf(statement)[1]), origin: originOf(statement, user) };
}
