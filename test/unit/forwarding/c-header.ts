/** As much of a C header as `bpf/layout.h` uses: integer defines, enums, and structs of fixed-width members. */
export interface CHeader {
  readonly constants: ReadonlyMap<string, bigint>;
  readonly structs: ReadonlyMap<string, CStruct>;
}

export interface CStruct {
  readonly size: number;
  readonly alignment: number;
  readonly offsets: Readonly<Record<string, number>>;
}

const SCALARS: Readonly<Record<string, number>> = {
  __u8: 1,
  __u16: 2,
  __be16: 2,
  __u32: 4,
  __be32: 4,
  __u64: 8,
};

export function parseCHeader(text: string): CHeader {
  const source = text.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const constants = new Map<string, bigint>();
  for (const [, name, value] of source.matchAll(/^#define (\w+) (.+)$/gm)) {
    constants.set(name as string, evaluate(value as string, constants));
  }
  for (const [, body] of source.matchAll(/enum \w+ \{([^}]*)\}/g)) {
    for (const [, name, value] of (body as string).matchAll(/(\w+) = (\w+)/g)) {
      constants.set(name as string, BigInt(value as string));
    }
  }
  const structs = new Map<string, CStruct>();
  for (const [, name, body, attributes] of source.matchAll(/^struct (\w+) \{([^}]*)\}([^;]*);/gm)) {
    const atLeast = Number(/aligned\((\d+)\)/.exec(attributes ?? '')?.[1] ?? 1);
    structs.set(name as string, layOut(body as string, atLeast, { constants, structs }));
  }
  return { constants, structs };
}

function evaluate(expression: string, constants: ReadonlyMap<string, bigint>): bigint {
  const shift = /^\((\w+) << (\w+)\)$/.exec(expression.trim());
  if (shift) return term(shift[1] as string, constants) << term(shift[2] as string, constants);
  return term(expression.trim(), constants);
}

function term(text: string, constants: ReadonlyMap<string, bigint>): bigint {
  const known = constants.get(text);
  if (known !== undefined) return known;
  return BigInt(text.replace(/u?l?l?$/i, ''));
}

function layOut(body: string, atLeast: number, { constants, structs }: CHeader): CStruct {
  const offsets: Record<string, number> = {};
  let end = 0;
  let alignment = atLeast;
  for (const [, nested, type, name, length] of body.matchAll(/(struct )?(\w+) (\w+)(?:\[(\w+)\])?;/g)) {
    const inner = nested ? structs.get(type as string) : undefined;
    const size = inner?.size ?? SCALARS[type as string];
    if (size === undefined) throw new Error(`a member of unknown type ${type}`);
    const aligned = inner?.alignment ?? size;
    end = Math.ceil(end / aligned) * aligned;
    offsets[name as string] = end;
    end += size * (length === undefined ? 1 : Number(term(length, constants)));
    alignment = Math.max(alignment, aligned);
  }
  return { size: Math.ceil(end / alignment) * alignment, alignment, offsets };
}
