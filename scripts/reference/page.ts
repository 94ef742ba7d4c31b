// A page of the reference with generated tables.

/** The tables of a page by their names, each in Markdown. */
export type Tables = Readonly<Record<string, () => string | Promise<string>>>;

const TABLE = /(<!-- table (\w+) -->\n\n)[\s\S]*?(\n\n<!-- end -->)/g;

/** Returns a page in which what stands between `<!-- table NAME -->` and `<!-- end -->` is the table of that name. @throws Error for another name */
export async function withTables(page: string, tables: Tables): Promise<string> {
  const made = new Map<string, string>();
  for (const [, , name = ''] of page.matchAll(TABLE)) {
    const make = tables[name];
    if (make === undefined)
      throw new Error(`there is no table ${name}; there are ${Object.keys(tables).join(', ')}`);
    made.set(name, await make());
  }
  return page.replaceAll(
    TABLE,
    (_all, begin: string, name: string, end: string) => begin + (made.get(name) ?? '') + end,
  );
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [row(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(row)];
  return lines.join('\n').replaceAll(/ +\|/g, ' |');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

export function code(text: string): string {
  return `\`${text}\``;
}
