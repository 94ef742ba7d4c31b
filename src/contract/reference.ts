// Turns a contract into documentation: tables in Markdown, and a JSON Schema for editors.
import { z } from 'zod';
import { EVENT_TYPES } from './api/event-types.ts';
import { configSchema } from './config/config-schema.ts';
import { findNotes, notesOf, type OptionNotes } from './option.ts';

/** A table of the options of a shape, in their order; its heads are `Key`, `Default` and what the descriptions are about. */
export function optionTable(shape: z.ZodRawShape, about = 'Allowed'): string {
  const rows = Object.entries(shape).map(([name, schema]) => {
    const notes = notesOf(schema);
    return `| \`${name}\` | ${defaultText(notes)} | ${notes.description} |`;
  });
  return [`| Key | Default | ${about} |`, '|---|---|---|', ...rows].join('\n');
}

/** A table of the types of events. */
export function eventTable(): string {
  const rows = Object.entries(EVENT_TYPES).map(
    ([type, { levels, meaning, action }]) =>
      `| \`${type}\` | ${levels.join(', ')} | ${meaning} | ${action} |`,
  );
  return ['| Event | Level | Meaning | What to do |', '|---|---|---|---|', ...rows].join('\n');
}

function defaultText({ default: value, defaultText: text }: OptionNotes): string {
  if (text !== undefined) return text;
  return typeof value === 'number' ? `${value}` : `\`${String(value)}\``;
}

/** The JSON Schema (draft 2020-12) of a configuration file, with which editors complete and check it. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const notes = findNotes(zodSchema);
      if (notes === undefined) return;
      jsonSchema.description = plain(notes.description);
      if (notes.defaultText === undefined && notes.default !== undefined) jsonSchema.default = notes.default;
    },
  });
  return { ...schema, title: 'Configuration of culvert' };
}

/** Markdown without its marks and links. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '');
}
