// The grammar of a level of keepalived.conf.

/** The keywords of a level, as far as the reader of braces needs them. */
export interface Level {
  readonly [keyword: string]: { readonly block?: Block | undefined };
}

/**
 * The text that follows a keyword: `{`, then keywords of the next level; `{`, then any lines up to the next `}`; or, where a
 * process of keepalived does not look, any text, counted by its braces.
 */
export type Block = Level | 'values' | 'skipped';
