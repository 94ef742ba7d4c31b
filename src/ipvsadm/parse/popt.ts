// Reads options as the library popt does.
export interface OptionSpec {
  /** Each of these is its short name. */
  readonly letters: string;
  /** The value that follows the option. */
  readonly takes: 'nothing' | 'value' | 'value-or-nothing';
}

/** The options by their long names. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** `word` is what was written. */
export type Word =
  | {
      readonly kind: 'option';
      readonly name: string;
      readonly value: string | undefined;
      readonly word: string;
    }
  | { readonly kind: 'leftover'; readonly word: string }
  | Fault;

interface Fault {
  readonly kind: 'fault';
  readonly word: string;
  readonly fault: 'unknown option' | 'missing argument' | 'option does not take an argument';
}

/** An option within a word, and what stands behind it there. */
interface Part {
  readonly name: string;
  readonly attached: string | undefined;
}

/**
 * A command line read as popt(3) does: short options may be combined and have their value behind them
 * (`-t192.0.2.10:80`, `-t=192.0.2.10:80`); long ones are not abbreviated. What is no option is left over, as is all behind
 * `--`. Nothing comes after the first fault.
 */
export function readOptions(table: OptionTable, argv: readonly string[]): readonly Word[] {
  const words: Word[] = [];
  for (let at = 0; at < argv.length; ) {
    const word = argv[at++] as string;
    if (word === '--') return [...words, ...argv.slice(at).map(leftover)];
    if (!word.startsWith('-') || word === '-') {
      words.push(leftover(word));
      continue;
    }
    for (const part of partsOf(table, word)) {
      if ('fault' in part) return [...words, part];
      const next = argv[at];
      const { name, attached } = part;
      const takes = table[name]?.takes;
      const isBehind =
        attached === undefined &&
        next !== undefined &&
        (takes === 'value' || (takes === 'value-or-nothing' && !next.startsWith('-')));
      if (isBehind) at++;
      const value = attached ?? (isBehind ? next : undefined);
      // popt names the last word that it has read.
      if (takes === 'value' && value === undefined)
        return [...words, { kind: 'fault', word, fault: 'missing argument' }];
      words.push({ kind: 'option', name, value, word });
    }
  }
  return words;
}

function leftover(word: string): Word {
  return { kind: 'leftover', word };
}

function partsOf(table: OptionTable, word: string): readonly (Part | Fault)[] {
  return word.startsWith('--') ? [longPart(table, word)] : shortParts(table, word);
}

function longPart(table: OptionTable, word: string): Part | Fault {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (spec === undefined) return { kind: 'fault', word, fault: 'unknown option' };
  if (spec.takes === 'nothing' && attached !== undefined)
    return { kind: 'fault', word, fault: 'option does not take an argument' };
  return { name, attached };
}

function shortParts(table: OptionTable, word: string): readonly (Part | Fault)[] {
  const parts: (Part | Fault)[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string;
    const found = Object.entries(table).find(([, { letters }]) => letters.includes(letter));
    if (found === undefined) return [...parts, { kind: 'fault', word, fault: 'unknown option' }];
    const [name, { takes }] = found;
    const behind = word.slice(at + 1);
    if (takes !== 'nothing') {
      return [...parts, { name, attached: behind === '' ? undefined : behind.replace(/^=/, '') }];
    }
    if (behind.startsWith('='))
      return [...parts, { kind: 'fault', word, fault: 'option does not take an argument' }];
    parts.push({ name, attached: undefined });
  }
  return parts;
}
