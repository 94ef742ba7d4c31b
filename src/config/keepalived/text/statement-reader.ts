// Builds blocks from lines and braces.
import { escapedWords, type Word } from './cut-words.ts';
import type { Block, Level } from './grammar.ts';
import type { Line } from './line.ts';
import { type Findings, Unreadable } from './place.ts';
import { ESCAPED_KEYWORDS, keywordOf, placeOf, type Statement } from './statement.ts';

interface OpenStatement {
  readonly words: readonly Word[];
  body: OpenStatement[] | undefined;
}

/** A block that is being read. */
interface Frame {
  readonly block: Level | 'values';
  /** The statement that the block belongs to; undefined for the file. */
  readonly head: OpenStatement | undefined;
  readonly body: OpenStatement[];
  braceIsDue: boolean;
}

/** A block that one process of keepalived does not look into. */
interface Skipped {
  readonly head: OpenStatement;
  /** The statements whose blocks are open, the innermost last; none: its `{` is awaited. */
  readonly open: OpenStatement[];
  last: OpenStatement | undefined;
}

const MAX_DEPTH = 50;

/**
 * Makes statements of lines as process_stream() and alloc_value_block() of keepalived's lib/parser.c do. Which `{` opens
 * a block depends on the keyword before it, so that a brace at a wrong place means what it means there.
 */
export class StatementReader {
  readonly statements: OpenStatement[] = [];
  readonly #findings: Findings;
  readonly #frames: Frame[];
  #skipped: Skipped | undefined;
  /** Braces that are open, counted without regard to keywords. */
  #braces = 0;

  constructor(root: Level, findings: Findings) {
    this.#findings = findings;
    this.#frames = [{ block: root, head: undefined, body: this.statements, braceIsDue: false }];
  }

  /** @param plain The line's words by the usual rules. */
  add(line: Line, plain: readonly Word[]): void {
    this.#count(line);
    const words = this.#wordsOf(line, plain);
    if (words.length === 0) return;
    const statement: OpenStatement = { words, body: undefined };
    const frame = this.#frames.at(-1) as Frame;
    if (frame.block === 'values') this.#addValue(statement, frame);
    else if (!this.#skip(statement)) this.#addKeyword(statement, frame, frame.block);
  }

  end(): void {
    const open = this.#frames.flatMap(({ head }) => head ?? []);
    for (const statement of [...open, ...(this.#skipped?.open ?? [])])
      this.#findings.complain(
        placeOf(statement),
        `${keywordOf(statement)}: the block that begins here is not closed; allowed: a } before the end of the file; read as closed there, as in keepalived`,
      );
  }

  #count({ text }: Line): void {
    if (text === '{') this.#braces++;
    else if (text === '}') this.#braces--;
  }

  #wordsOf(line: Line, plain: readonly Word[]): readonly Word[] {
    const keyword = plain[0]?.text ?? '';
    if (!ESCAPED_KEYWORDS.has(keyword)) return plain;
    const frame = this.#frames.at(-1) as Frame;
    const isRead = this.#skipped === undefined && frame.block !== 'values';
    return isRead && Object.hasOwn(frame.block, keyword) ? escapedWords(line, this.#findings) : plain;
  }

  /** Returns false where the statement is not in a block that is skipped. */
  #skip(statement: OpenStatement): boolean {
    const skipped = this.#skipped;
    if (skipped === undefined) return false;
    const text = keywordOf(statement);
    if (skipped.open.length === 0) {
      if (text === '{') return this.#openSkipped(skipped, skipped.head, statement);
      this.#skipped = undefined;
      return false;
    }
    if (text === '{') return this.#openSkipped(skipped, skipped.last ?? statement, statement);
    if (text === '}') {
      skipped.open.pop();
      skipped.last = undefined;
      if (skipped.open.length === 0) this.#skipped = undefined;
      return true;
    }
    skipped.open.at(-1)?.body?.push(statement);
    skipped.last = statement;
    return true;
  }

  #openSkipped(skipped: Skipped, head: OpenStatement, brace: Statement): true {
    if (skipped.open.length >= MAX_DEPTH)
      throw new Unreadable(placeOf(brace), `blocks are nested more than ${MAX_DEPTH} deep`);
    head.body ??= [];
    skipped.open.push(head);
    skipped.last = undefined;
    return true;
  }

  #addValue(statement: OpenStatement, frame: Frame): void {
    const text = keywordOf(statement);
    if (frame.braceIsDue) {
      frame.braceIsDue = false;
      if (text === '{') return;
      this.#missesBrace(frame);
    }
    if (text === '}') this.#frames.pop();
    else frame.body.push(statement);
  }

  #addKeyword(statement: OpenStatement, frame: Frame, level: Level): void {
    const text = keywordOf(statement);
    const isFile = this.#frames.length === 1;
    if (frame.braceIsDue) {
      frame.braceIsDue = false;
      if (text === '{') return;
      this.#missesBrace(frame);
    } else if (text === '{') {
      this.#findings.complain(
        placeOf(statement),
        'unexpected {; allowed: only after a keyword that has a block; ignored, as in keepalived',
      );
      return;
    }
    if (text === '}') {
      if (!isFile) this.#frames.pop();
      if (isFile || this.#braces < 0) this.#isTooMany(statement);
      return;
    }
    frame.body.push(statement);
    const { block } = Object.hasOwn(level, text) ? (level[text] ?? {}) : {};
    if (block !== undefined) this.#begin(statement, block);
  }

  #begin(statement: OpenStatement, block: Block): void {
    if (block === 'skipped') this.#skipped = { head: statement, open: [], last: undefined };
    else {
      const body: OpenStatement[] = [];
      statement.body = body;
      this.#frames.push({ block, head: statement, body, braceIsDue: true });
    }
  }

  #missesBrace({ head }: Frame): void {
    if (head === undefined) return;
    this.#findings.complain(
      placeOf(head),
      `${keywordOf(head)}: no { follows; the next lines are read as its block, as in keepalived`,
    );
  }

  #isTooMany(brace: Statement): void {
    this.#braces = Math.max(this.#braces, 0);
    this.#findings.complain(
      placeOf(brace),
      'there is one } too many; allowed: one for each {; ignored, as in keepalived',
    );
  }
}
