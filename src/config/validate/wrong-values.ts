// Marks the values of a configuration that the schema refuses, so that the others can be read with their types.
import type { IssuePath } from './issue.ts';

/** Takes the place of a value that is written, but wrong. */
export const WRONG: unique symbol = Symbol('wrong');
export type Wrong = typeof WRONG;

/** Values as they are written, each of which may be missing, or `WRONG`. */
export type Partially<Value> = Value extends readonly (infer Item)[]
  ? readonly (Partially<Item> | Wrong)[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: Partially<Value[Key]> | Wrong }
    : Value;

/** Returns the value with `WRONG` at these paths; what has none of them in it is the same object. */
export function markWrong(value: unknown, paths: readonly IssuePath[]): unknown {
  if (paths.length === 0) return value;
  if (paths.some((path) => path.length === 0)) return WRONG;
  const marked: Record<string | number, unknown> = { ...(value as object) };
  for (const [step, below] of Map.groupBy(paths, ([first]) => first as string | number)) {
    marked[step] = markWrong(
      marked[step],
      below.map((path) => path.slice(1)),
    );
  }
  return Array.isArray(value) ? Object.assign([...(value as unknown[])], marked) : marked;
}
