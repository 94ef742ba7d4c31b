// Definitions (`$NAME=`), and where they are used.
import type { Line } from './line.ts';

/** The value of `$NAME`: a text, or the lines of a body. */
export type Definition = string | readonly Line[];

export interface Definitions {
  readonly values: Map<string, Definition>;
  /** `${_PWD}` and `${_INSTANCE}`. */
  readonly directory: () => string;
  readonly configId: string;
  /** The environment for `${_ENV NAME}`, which keepalived has from 2.4 on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface Reference {
  readonly from: number;
  readonly to: number;
  readonly value: Definition;
  /** The variable of the environment that is not set, and so stands for nothing. */
  readonly unset?: string;
}

const REFERENCE = /\$(?:\{([A-Za-z_]\w*)((?:[ \t]+\w+){0,2})\}|([A-Za-z_]\w*)(?=[ \t,)]|$))/g;

/** The first reference in the text to something that is defined; others stay as they are. */
export function findReference(text: string, definitions: Definitions): Reference | undefined {
  for (const match of text.matchAll(REFERENCE)) {
    const to = match.index + match[0].length;
    const name = match[1] ?? match[3] ?? '';
    const value = definitions.values.get(name) ?? predefined(name, match[2] ?? '', definitions);
    // A body of several lines can only stand at the end of a line.
    const usable = typeof value === 'string' || to === text.length;
    const takesParameters = name === '_RANDOM' || name === '_ENV';
    if (value !== undefined && usable && ((match[2] ?? '') === '' || takesParameters))
      return { from: match.index, to, value, ...unsetIn(name, match[2] ?? '', definitions) };
  }
  return undefined;
}

function unsetIn(name: string, parameters: string, { environment }: Definitions): { unset?: string } {
  const variable = parameters.trim();
  return name === '_ENV' && environment[variable] === undefined ? { unset: variable } : {};
}

function predefined(name: string, parameters: string, definitions: Definitions): string | undefined {
  if (name === '_PWD') return definitions.directory();
  if (name === '_INSTANCE') return definitions.configId;
  if (name === '_HASH') return '#';
  if (name === '_BANG') return '!';
  const words = parameters.split(/[ \t]+/).filter(Boolean);
  if (name === '_ENV')
    return words.length === 1 ? (definitions.environment[words[0] ?? ''] ?? '') : undefined;
  if (name !== '_RANDOM' || !words.every((word) => /^\d+$/.test(word))) return undefined;
  const [least = 0, most = 32_767] = words.map(Number);
  return String(least + Math.floor(Math.random() * (Math.max(most, least) - least + 1)));
}
