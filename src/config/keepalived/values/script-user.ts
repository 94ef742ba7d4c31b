// Reads whom commands run as.
import type { Findings } from '../text/place.ts';
import { parametersOf, type Statement } from '../text/statement.ts';
import { userAndGroup } from './read-command.ts';
import { expected, originOf, type Setting } from './read-values.ts';

/** Whom commands run as: `script_user` in global_defs, `user` in MISC_CHECK. */
export function readScriptUser(statement: Statement, findings: Findings): Setting<string> | undefined {
  const user = expected(statement, 'a user, and optionally a group', findings);
  if (user === undefined) return undefined;
  return { value: userAndGroup(user, parametersOf(statement)[1]), origin: originOf(statement, user) };
}
