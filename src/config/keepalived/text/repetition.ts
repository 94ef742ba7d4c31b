// Parses the repetitions of keepalived.conf, which produce a line several times.

/** The effect of `~SEQ(...)` or `~LST(...)` before a line: the rest of the line once for each set of values. */
export interface Repetition {
  readonly names: readonly string[];
  readonly values: Iterable<readonly string[]>;
  /** The position at which the rest of the line begins. */
  readonly end: number;
}

/** More than this is a slip, and would be millions of lines. */
const MAX_VALUES = 1_000_000;

const WHOLE = String.raw`[+-]?(?:0[xX][0-9a-fA-F]+|\d+)`;
const SEQUENCE = new RegExp(
  String.raw`^~SEQ(x?)\s*\(\s*(\w+)\s*,\s*(${WHOLE})\s*(?:,\s*(${WHOLE})\s*)?(?:,\s*(${WHOLE})\s*)?\)\s*`,
);

export type ParsedRepetition = Repetition | 'too many' | undefined;

/**
 * Parses the repetition that `text` begins with. Undefined: keepalived does not understand it. 'too many': more than culvert's
 * limit.
 */
export function parseRepetition(text: string): ParsedRepetition {
  return text.startsWith('~SEQ') ? parseSequence(text) : parseList(text);
}

function parseSequence(text: string): ParsedRepetition {
  const match = SEQUENCE.exec(text);
  if (match === null) return undefined;
  const [whole, hexadecimal, name = '', ...numbers] = match;
  const [first = 0, second, third] = numbers.filter((number) => number !== undefined).map(wholeNumber);
  let [start, step, end] = [first, second ?? 1, third ?? 0];
  if (second === undefined) [start, step, end] = first < 0 ? [-1, -1, first] : [1, first < 1 ? -1 : 1, first];
  else if (third === undefined) [start, step, end] = [first, first <= second ? 1 : -1, second];
  if (!isSound(start, step, end) || (hexadecimal === 'x' && (start < 0 || end < 0))) return undefined;
  if (Math.abs((end - start) / step) >= MAX_VALUES) return 'too many';
  const radix = hexadecimal === 'x' ? 16 : 10;
  return { names: [name], values: sequence({ start, step, end, radix }), end: whole.length };
}

function wholeNumber(text: string): number {
  const digits = text.replace(/^[+-]/, '');
  // A leading zero means octal, as for strtol.
  const value = /^0\d/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return text.startsWith('-') ? -value : value;
}

function isSound(start: number, step: number, end: number): boolean {
  return step !== 0 && !(start < end && step < 0) && !(start > end && step > 0);
}

function* sequence(range: { start: number; step: number; end: number; radix: number }): Generator<string[]> {
  const { start, step, end, radix } = range;
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    yield [value.toString(radix)];
}

function parseList(text: string): Repetition | undefined {
  const match = /^~LST\s*\(\s*(?:\{([^{})]*)\}|([^{},)\s]+))\s*,((?:\{[^{}]*\}|[^{})])*)\)\s*/.exec(text);
  if (match === null) return undefined;
  const [whole, several, one = '', list = ''] = match;
  const names = several === undefined ? [one] : fields(several);
  const sets = [...list.matchAll(/(?:^|,)\s*(?:\{([^{}]*)\}|([^{},]*))\s*(?=,|$)/g)].map(
    ([, set, value = '']) => (set === undefined ? [value.trim()] : fields(set)),
  );
  const sound = names.every((name) => /^\w+$/.test(name)) && sets.every((set) => set.length <= names.length);
  return sound && sets.length > 0 ? { names, values: sets, end: whole.length } : undefined;
}

function fields(text: string): string[] {
  return text.split(',').map((field) => field.trim());
}
