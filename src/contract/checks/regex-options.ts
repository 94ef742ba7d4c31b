// The translation of keepalived's regex options to flags of JavaScript.

/**
 * The translation of one of keepalived's `regex_options`, which are PCRE2's (pcre2api(3)), to JavaScript's regular expressions: a
 * flag, a rule of culvert, nothing because JavaScript does so anyway or the option changes neither whether nor where a match
 * begins, or a refusal.
 */
export type RegexOption =
  | { readonly flag: 'i' | 'm' | 's' | 'u' }
  | 'first-line'
  | 'as-it-is'
  | { readonly lacking: string };

export const REGEX_OPTIONS: Readonly<Record<string, RegexOption>> = {
  // `[]` is an empty class in JavaScript.
  allow_empty_class: 'as-it-is',
  // \u and \x are ECMAScript's.
  alt_bsux: 'as-it-is',
  // With the flag m it also matches after the last newline.
  alt_circumflex: 'as-it-is',
  // There are no verbs.
  alt_verbnames: 'as-it-is',
  // Nobody is called out to.
  auto_callout: 'as-it-is',
  caseless: { flag: 'i' },
  // `$` does not match before a newline at the end.
  dollar_endonly: 'as-it-is',
  dotall: { flag: 's' },
  dupnames: { lacking: 'two groups with the same name' },
  extended: { lacking: 'comments or insignificant spaces' },
  firstline: 'first-line',
  // It matches the empty text.
  match_unset_backref: 'as-it-is',
  multiline: { flag: 'm' },
  // There is no \C.
  never_backslash_c: 'as-it-is',
  // A pattern cannot ask for either.
  never_ucp: 'as-it-is',
  never_utf: 'as-it-is',
  // Captures of groups are not used.
  no_auto_capture: 'as-it-is',
  // Optimisations.
  no_auto_possess: 'as-it-is',
  no_dotstar_anchor: 'as-it-is',
  no_start_optimize: 'as-it-is',
  ucp: { lacking: 'Unicode classes such as \\w; use \\p{L} with utf' },
  // The length of a match does not affect where it begins.
  ungreedy: 'as-it-is',
  // regex_max_offset is observed without it.
  use_offset_limit: 'as-it-is',
  utf: { flag: 'u' },
};

/** JavaScript's flags for what is written in either form, each once. */
export function regexFlags(flags: string, options: readonly string[]): string {
  const ofOptions = options.map((name) => {
    const option = REGEX_OPTIONS[name];
    return typeof option === 'object' && 'flag' in option ? option.flag : '';
  });
  return [...new Set([...flags.split(''), ...ofOptions])].join('');
}
