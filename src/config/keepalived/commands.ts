import { Line } from './line.ts';
import type { Findings, Place } from './place.ts';
import { originOf, type Setting } from './read-values.ts';
import { keywordOf, parametersOf, placeOf, type Statement } from './statement.ts';
import { escapedWords, type Word } from './words.ts';

/** A command as culvert's YAML has it. */
export interface PlainCommand {
  readonly command: readonly string[];
  readonly user?: string;
}

const ALLOWED = 'a program with its arguments, in quotes if it has any, then a user and a group if need be';

/** `quorum_up "PROGRAM ARGUMENT..." [USER [GROUP]]` and the like; undefined, and told, where there is no program. */
export function readCommand(statement: Statement, findings: Findings): Setting<PlainCommand> | undefined {
  const [line, user, group] = parametersOf(statement);
  const command = line === undefined ? [] : programAndArguments(line.text, line.place, findings);
  if (command.length > 0)
    return {
      value: {
        command,
        ...(user === undefined ? {} : { user: userAndGroup(user, group) }),
      },
      origin: originOf(statement, line),
    };
  const place = line?.place ?? placeOf(statement);
  findings.error(place, `${keywordOf(statement)}: found nothing; allowed: ${ALLOWED}`);
  return undefined;
}

/** As culvert has them: `USER` or `USER:GROUP`. */
export function userAndGroup(user: Word, group: Word | undefined): string {
  return group === undefined ? user.text : `${user.text}:${group.text}`;
}

/** The one word that keepalived takes for a command line is cut into words again; no shell is involved. */
export function programAndArguments(text: string, place: Place, findings: Findings): string[] {
  // What is wrong in it is told at the word itself, which had quotes and escapes of its own.
  const columns = Array.from(text, () => place.column);
  return escapedWords(new Line(text, place, columns), findings).map((word) => word.text);
}

/** With the user of `script_user` where it names none. */
export function withUser(
  command: Setting<PlainCommand> | undefined,
  scriptUser: Setting<string> | undefined,
): Setting<PlainCommand> | undefined {
  if (command === undefined || scriptUser === undefined) return command;
  return { ...command, value: { ...command.value, user: command.value.user ?? scriptUser.value } };
}
