// An option of a contract: its schema with its default and its words, said once for readers, reference and API.
import { z } from 'zod';

/** The notes on an option, beside the values that it can have. */
export interface OptionNotes {
  /** A phrase in Markdown for the reference and for editors. */
  readonly description: string;
  /** The default value, filled in. */
  readonly default?: unknown;
  /** The default in Markdown, where it is not the value as it is written. */
  readonly defaultText?: string;
}

const registry = z.registry<OptionNotes>();
const forwardedOptions = new Set<z.core.$ZodType>();

/** An option with a default: it is never missing once it is filled in. */
export type Defaulted<Schema extends z.ZodType> = z.ZodOptional<Schema> & { readonly '~default'?: true };

export function option<Schema extends z.ZodType>(
  schema: Schema,
  notes: OptionNotes & { readonly default: z.output<Schema> },
): Defaulted<Schema> {
  return optional(schema, notes);
}

/** An option that may be missing once all is filled in, or whose default is worked out. */
export function optional<Schema extends z.ZodType>(
  schema: Schema,
  notes: OptionNotes,
): z.ZodOptional<Schema> {
  // A schema of its own: the registry knows schemas by identity, and several options have the same values.
  const own = schema.optional().describe(notes.description);
  registry.add(own, notes);
  return own;
}

export function required<Schema extends z.ZodType>(schema: Schema, description: string): Schema {
  const own = schema.describe(description);
  registry.add(own, { description, defaultText: 'required' });
  return own;
}

/** An option that the forwarding table has, and so have the bodies of the API. */
export type Forwarded<Option> = Option & { readonly '~forwarded'?: true };

export function forwarded<Option extends z.ZodType>(own: Option): Forwarded<Option> {
  forwardedOptions.add(own);
  return own;
}

/** Returns the default value of an option. */
export function defaultOf<Schema extends z.ZodType>(own: Defaulted<Schema>): NonNullable<z.output<Schema>> {
  return notesOf(own).default as NonNullable<z.output<Schema>>;
}

/** @throws Error for a schema that was made by none of the functions above */
export function notesOf(schema: z.core.$ZodType): OptionNotes {
  const notes = findNotes(schema);
  if (notes === undefined) throw new Error('a key of a contract that has no description');
  return notes;
}

/** Returns the notes; undefined for a schema that is not an option but a part of one. */
export function findNotes(schema: z.core.$ZodType): OptionNotes | undefined {
  return registry.get(schema as z.ZodType);
}

/** The options of a shape that have a default, with the defaults filled in. */
export type Filled<Shape extends z.ZodRawShape> = {
  readonly [Name in keyof Shape as '~default' extends keyof Shape[Name] ? Name : never]: NonNullable<
    z.output<Shape[Name]>
  >;
};

/**
 * Fills in the options that have a default: each has the value of the first level that says something.
 * @param levels the innermost first
 */
export function fill<Shape extends z.ZodRawShape>(shape: Shape, ...levels: readonly object[]): Filled<Shape> {
  const filled: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const notes = findNotes(schema);
    if (notes?.default === undefined) continue;
    const said = levels.map((level) => (level as Record<string, unknown>)[name]);
    filled[name] = said.find((value) => value !== undefined) ?? notes.default;
  }
  return filled as Filled<Shape>;
}

type ForwardedName<Shape> = {
  [Name in keyof Shape]: '~forwarded' extends keyof Shape[Name] ? Name : never;
}[keyof Shape];

/** The schemas of the filled in values of those options that the forwarding table has. */
type ForwardedShape<Shape> = {
  [Name in ForwardedName<Shape>]: Shape[Name] extends z.ZodOptional<infer Schema> ? Schema : never;
};

export function forwardedShape<Shape extends z.ZodRawShape>(shape: Shape): ForwardedShape<Shape> {
  const entries = Object.entries(shape).filter(([, schema]) => forwardedOptions.has(schema));
  return Object.fromEntries(
    entries.map(([name, schema]) => {
      const { description } = notesOf(schema);
      return [name, (schema as z.ZodOptional<z.ZodType>).unwrap().describe(description)];
    }),
  ) as unknown as ForwardedShape<Shape>;
}

/** The values of those options that the forwarding table has; one that is the default is left out. */
export function pickForwarded<Shape extends z.ZodRawShape>(
  shape: Shape,
  values: Filled<Shape>,
): Partial<ForwardedValues<Shape>> {
  const entries = Object.entries(forwardedValues(shape, values));
  const changed = entries.filter(([name, value]) => value !== findNotes(shape[name] as z.ZodType)?.default);
  return Object.fromEntries(changed) as Partial<ForwardedValues<Shape>>;
}

/** The values of those options that the forwarding table has. */
export function forwardedValues<Shape extends z.ZodRawShape>(
  shape: Shape,
  values: Filled<Shape>,
): ForwardedValues<Shape> {
  const names = Object.entries(shape).flatMap(([name, schema]) =>
    forwardedOptions.has(schema) ? [name] : [],
  );
  return Object.fromEntries(
    names.map((name) => [name, (values as Record<string, unknown>)[name]]),
  ) as ForwardedValues<Shape>;
}

export type ForwardedValues<Shape extends z.ZodRawShape> = Pick<
  Filled<Shape>,
  ForwardedName<Shape> & keyof Filled<Shape>
>;
