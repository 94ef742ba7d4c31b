import * as fc from 'fast-check';

/** A part of a configuration in both formats. */
export interface Part {
  readonly lines: readonly string[];
  readonly yaml: Readonly<Record<string, unknown>>;
}

export const NOTHING: Part = { lines: [], yaml: {} };

export function maybe(any: fc.Arbitrary<Part>): fc.Arbitrary<Part> {
  return fc.option(any, { nil: NOTHING });
}

export function joined(parts: readonly Part[]): Part {
  return {
    lines: parts.flatMap(({ lines }) => lines),
    yaml: Object.assign({}, ...parts.map(({ yaml }) => yaml)) as Part['yaml'],
  };
}

/** A block with these lines in it. */
export function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `    ${line}`), '}'];
}

/** A part that one value makes. */
export function part<Value>(
  value: fc.Arbitrary<Value>,
  make: (value: Value) => { line: string; yaml: Part['yaml'] },
): fc.Arbitrary<Part> {
  return value.map((found) => {
    const { line, yaml } = make(found);
    return { lines: [line], yaml };
  });
}
