// Reads commands with their user and group.
import { describeFound } from '../../validate/issue.ts';
import { escapedWords, type Word } from '../text/cut-words.ts';
import { Line } from '../text/line.ts';
import type { Findings, Place } from '../text/place.ts';
import { keywordOf, parametersOf, type Statement } from '../text/statement.ts';
import { IGNORED, originOf, required, type Setting } from './read-values.ts';

/** A command as culvert's YAML has it. */
export interface PlainCommand {
  readonly command: readonly string[];
  readonly user?: string;
}

const ALLOWED =
  'a program with its arguments (in quotes, if there are arguments), then optionally a user and a group';
const QUOTES =
  'words after an unquoted program are a user and a group; fix: put the program and its arguments in quotes';

/** `quorum_up "PROGRAM ARGUMENT..." [USER [GROUP]]` and the like; undefined, with a warning, where keepalived ignores it. */
export function readCommand(statement: Statement, findings: Findings): Setting<PlainCommand> | undefined {
  const line = required(statement, ALLOWED, findings);
  if (line === undefined) return undefined;
  const [, user, group] = parametersOf(statement);
  const command = programAndArguments(line.text, line.place, findings);
  const [program] = command;
  if (program === undefined) {
    const found = describeFound(line.text);
    findings.complain(line.place, `${keywordOf(statement)}: found ${found}; allowed: ${ALLOWED}; ${IGNORED}`);
    return undefined;
  }
  const missing = findings.lookup.programFault(program);
  if (missing !== undefined) {
    findings.complain(line.place, `${keywordOf(statement)}: ${missing}; the command is ${IGNORED}`);
    return undefined;
  }
  if (user === undefined) return { value: { command }, origin: originOf(statement, line) };
  const account = userAndGroup(user, group);
  const fault = findings.lookup.userFault(account);
  const hint = line.quoted === true ? '' : `; ${QUOTES}`;
  if (fault !== undefined) {
    findings.complain(user.place, `${keywordOf(statement)}: ${fault}; the command is ${IGNORED}${hint}`);
    return undefined;
  }
  if (!findings.lookup.isKnown && hint !== '')
    findings.warn(user.place, `${keywordOf(statement)}: it runs as ${account}${hint}`);
  return { value: { command, user: account }, origin: originOf(statement, line) };
}

/** Returns culvert's form: `USER` or `USER:GROUP`. */
export function userAndGroup(user: Word, group: Word | undefined): string {
  return group === undefined ? user.text : `${user.text}:${group.text}`;
}

/** The one word that keepalived takes for a command line is cut into words again; no shell is involved. */
export function programAndArguments(text: string, place: Place, findings: Findings): string[] {
  // Faults in it are reported at the word itself, which had quotes and escapes of its own.
  const columns = Array.from(text, () => place.column);
  return escapedWords(new Line(text, place, columns), findings).map((word) => word.text);
}

/** Adds the user of `script_user` to a command without one. */
export function withUser(
  command: Setting<PlainCommand> | undefined,
  scriptUser: Setting<string> | undefined,
): Setting<PlainCommand> | undefined {
  if (command === undefined || scriptUser === undefined) return command;
  return { ...command, value: { ...command.value, user: command.value.user ?? scriptUser.value } };
}
