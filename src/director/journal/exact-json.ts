// JSON that keeps what plain JSON loses: big integers, bytes, maps, sets, and keys without a value.

/** The marks of what plain JSON cannot say, each the only key of an object. */
const MARK = { bigint: '$bigint', bytes: '$bytes', map: '$map', set: '$set', none: '$none' } as const;

/** Returns a value as JSON in one line, from which `fromExactJson` makes an equal one. */
export function toExactJson(value: unknown): string {
  return JSON.stringify(value, mark);
}

/** @throws SyntaxError for text that is not JSON */
export function fromExactJson(text: string): unknown {
  return JSON.parse(text, unmark);
}

function mark(this: unknown, key: string, value: unknown): unknown {
  // `value` is what a Buffer's own toJSON made of it.
  const own = (this as Readonly<Record<string, unknown>>)[key];
  if (own instanceof Uint8Array) return { [MARK.bytes]: Buffer.from(own).toString('hex') };
  if (typeof value === 'bigint') return { [MARK.bigint]: `${value}` };
  if (value instanceof Map) return { [MARK.map]: [...value] };
  if (value instanceof Set) return { [MARK.set]: [...value] };
  return value === undefined ? { [MARK.none]: 1 } : value;
}

function unmark(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (MARK.bigint in value) return BigInt(value[MARK.bigint] as string);
  if (MARK.bytes in value) return Uint8Array.from(Buffer.from(value[MARK.bytes] as string, 'hex'));
  if (MARK.map in value) return new Map(value[MARK.map] as [unknown, unknown][]);
  if (MARK.set in value) return new Set(value[MARK.set] as unknown[]);
  restoreNone(value as Record<string, unknown>);
  return value;
}

/** A reviver that returns undefined removes the key, so the object that has it is mended instead. */
function restoreNone(value: Record<string, unknown>): void {
  for (const [key, each] of Object.entries(value)) {
    if (typeof each === 'object' && each !== null && MARK.none in each) value[key] = undefined;
  }
}
