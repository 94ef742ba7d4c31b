// Reads the files of a keepalived.conf as statements and blocks.
import { plainWords } from './cut-words.ts';
import { Expansion } from './expand.ts';
import type { Level } from './grammar.ts';
import type { Line } from './line.ts';
import { Findings, type HostLookup, Unreadable } from './place.ts';
import { type ConfigFiles, diskFiles, MAX_FILE_BYTES, tooLarge } from './source-files.ts';
import type { Statement } from './statement.ts';
import { StatementReader } from './statement-reader.ts';

export interface ParseOptions {
  readonly fileName: string;
  /** The value that `@id` conditions are compared with (keepalived's -i). */
  readonly configId: string;
  /** Values for `${_ENV NAME}`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly files?: ConfigFiles;
  /** True if what keepalived logs and ignores is an error. */
  readonly strict?: boolean;
  readonly lookup?: HostLookup;
}

/** The keywords of a file as two processes of keepalived see them. */
export interface Grammars {
  /** The keywords of the process that checks and forwards. */
  readonly checker: Level;
  /** The keywords of the process that starts the others and reads global_defs. */
  readonly parent: Level;
}

export interface ParsedKeepalived {
  readonly statements: readonly Statement[];
  /** The statements that the parent process reads. */
  readonly global: readonly Statement[];
  readonly findings: Findings;
  /** False: the reading ended early, and what is missing is no statement about the file. */
  readonly isWhole: boolean;
}

/** Reads a keepalived.conf as keepalived 2.2.7 does, down to words and blocks; what they mean is not asked here. */
export function parseKeepalived(text: string, grammars: Grammars, options: ParseOptions): ParsedKeepalived {
  const findings = new Findings(options.strict, options.lookup);
  const checker = new StatementReader(grammars.checker, findings);
  const parent = new StatementReader(grammars.parent, findings);
  let isWhole = true;
  try {
    for (const line of linesOf(text, findings, options)) {
      const words = plainWords(line, findings);
      checker.add(line, words);
      parent.add(line, words);
    }
    checker.end();
    parent.end();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    findings.errors.push(error.issue);
    isWhole = false;
  }
  return { statements: checker.statements, global: parent.statements, findings, isWhole };
}

function linesOf(text: string, findings: Findings, options: ParseOptions): Iterable<Line> {
  const { fileName, configId, environment = {}, files = diskFiles } = options;
  if (text.length > MAX_FILE_BYTES)
    throw new Unreadable({ fileName, line: 1, column: 1 }, tooLarge(text.length));
  return new Expansion({ files, findings, configId, environment }).read(text, fileName);
}
