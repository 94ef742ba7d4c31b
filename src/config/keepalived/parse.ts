import { Expansion } from './expand.ts';
import { type ConfigFiles, diskFiles, MAX_FILE_BYTES, tooLarge } from './files.ts';
import type { Line } from './line.ts';
import { Findings, Unreadable } from './place.ts';
import { ESCAPED_KEYWORDS, keywordOf, placeOf, type Statement } from './statement.ts';
import { escapedWords, plainWords, type Word } from './words.ts';

export interface ParseOptions {
  readonly fileName: string;
  /** What `@id` conditions are compared with (keepalived's -i). */
  readonly configId: string;
  readonly files?: ConfigFiles;
}

export interface ParsedKeepalived {
  readonly statements: readonly Statement[];
  readonly findings: Findings;
}

const MAX_DEPTH = 50;

interface OpenStatement {
  readonly words: readonly Word[];
  body: OpenStatement[] | undefined;
}

/** Reads a keepalived.conf as keepalived 2.2.7 does, down to words and blocks; what they mean is not asked here. */
export function parseKeepalived(text: string, options: ParseOptions): ParsedKeepalived {
  const { fileName, configId, files = diskFiles } = options;
  const findings = new Findings();
  const builder = new TreeBuilder(findings);
  try {
    if (text.length > MAX_FILE_BYTES)
      throw new Unreadable({ fileName, line: 1, column: 1 }, tooLarge(text.length));
    for (const line of new Expansion({ files, findings, configId }).read(text, fileName)) builder.add(line);
    builder.end();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    findings.errors.push(error.issue);
  }
  return { statements: builder.statements, findings };
}

class TreeBuilder {
  readonly statements: OpenStatement[] = [];
  readonly #findings: Findings;
  readonly #open: OpenStatement[] = [];
  /** The statement of the line before, which a brace may give a block. */
  #last: OpenStatement | undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  add(line: Line): void {
    if (line.text === '{') this.#openBlock(line);
    else if (line.text === '}') this.#closeBlock(line);
    else this.#addStatement(line);
  }

  end(): void {
    for (const statement of this.#open)
      this.#findings.error(
        placeOf(statement),
        `${keywordOf(statement)}: the block that begins here is not closed; allowed: a } before the end of the file`,
      );
  }

  #openBlock(line: Line): void {
    if (this.#last === undefined)
      throw new Unreadable(line.place(), 'unexpected {; allowed: behind a keyword');
    if (this.#open.length >= MAX_DEPTH) throw new Unreadable(line.place(), `blocks stand ${MAX_DEPTH} deep`);
    this.#last.body = [];
    this.#open.push(this.#last);
    this.#last = undefined;
  }

  #closeBlock(line: Line): void {
    if (this.#open.pop() === undefined)
      throw new Unreadable(line.place(), 'there is one } too many; allowed: one for each {');
    this.#last = undefined;
  }

  #addStatement(line: Line): void {
    const [keyword = ''] = /^[^ \t\f\v"]*/.exec(line.text) ?? [];
    const read = ESCAPED_KEYWORDS.has(keyword) ? escapedWords : plainWords;
    const words = read(line, this.#findings);
    if (words.length === 0) return;
    const statement: OpenStatement = { words, body: undefined };
    (this.#open.at(-1)?.body ?? this.statements).push(statement);
    this.#last = statement;
  }
}
