// The complaints of the schema in an operator's words.
import type { z } from 'zod';
import { KEY_SEPARATOR } from '../../contract/values/fields.ts';
import { type ConfigIssue, describeFound, type IssuePath } from './issue.ts';
import { suggest } from './suggest.ts';

type SchemaIssue = z.core.$ZodIssue;

/** A fault, and the value that is wrong; undefined where it is a key that is unknown or missing. */
export interface SchemaFault extends ConfigIssue {
  readonly wrong?: IssuePath;
}

/** Returns the schema's complaints about `root` in an operator's words. */
export function describeSchemaIssues(issues: readonly SchemaIssue[], root: unknown): SchemaFault[] {
  return issues.flatMap((issue) => describe(issue, [], root));
}

function describe(issue: SchemaIssue, prefix: IssuePath, root: unknown): SchemaFault[] {
  const path = [...prefix, ...(issue.path as IssuePath)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], issue.message.split(KEY_SEPARATOR)));
  }
  const found = valueAt(root, path);
  if (issue.code === 'invalid_union') return describeUnion(issue, { path, found, root });
  return [wrongOrMissing(path, found, issue.message)];
}

function wrongOrMissing(path: IssuePath, found: unknown, allowed: string): SchemaFault {
  if (found === undefined && path.length > 0) {
    return { path: path.slice(0, -1), message: `${path.at(-1)} is missing; allowed: ${allowed}` };
  }
  return { path, message: `found ${describeFound(found)}; allowed: ${allowed}`, wrong: path };
}

function unknownKey(path: IssuePath, known: readonly string[]): ConfigIssue {
  const key = String(path.at(-1));
  const nearest = suggest(key, known);
  const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
  return { path, atKey: true, message: `unknown key '${key}'${hint}; allowed: ${known.join(', ')}` };
}

/** A union here is always a short form and a mapping or a list: what was written says which of the two was meant. */
function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  { path, found, root }: { path: IssuePath; found: unknown; root: unknown },
): SchemaFault[] {
  const [short = [], long = []] = issue.errors;
  if (typeof found === 'object' && found !== null && !isOfWrongType(long)) {
    return long.flatMap((inner) => describe(inner, path, root));
  }
  const allowed = [short[0]?.message, long[0]?.message].filter((text) => text !== undefined).join(', or ');
  return [wrongOrMissing(path, found, allowed)];
}

function isOfWrongType(issues: readonly SchemaIssue[]): boolean {
  return issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
}

function valueAt(root: unknown, path: IssuePath): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Record<string | number, unknown>)[step]
        : undefined,
    root,
  );
}
