// Plain tables, with columns as wide as their widest cells.
import type { Colour, Style } from './style.ts';

export interface Column {
  readonly header: string;
  /** Numbers are aligned to the right. */
  readonly align?: 'left' | 'right';
  /** The least width, for rows that are printed before all are known. */
  readonly width?: number;
}

export type Cell = string | number | { readonly text: string; readonly colour: Colour };

const GAP = '  ';

/** Rows under headers, each column as wide as its widest cell; ends with a line break. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: Style,
): string {
  const widths = widthsOf(columns, rows);
  const lines = [columns.map(({ header }) => ({ text: header, colour: 'dim' as const })), ...rows];
  return lines.map((cells) => `${formatRow(cells, columns, widths, style)}\n`).join('');
}

/** Returns the width of each column: that of its widest cell, or of its header. */
export function widthsOf(columns: readonly Column[], rows: readonly (readonly Cell[])[]): number[] {
  return columns.map((column, index) =>
    rows.reduce(
      (widest, row) => Math.max(widest, cellText(row[index] ?? '').length),
      Math.max(column.width ?? 0, column.header.length),
    ),
  );
}

/** Formats a row of the same columns, for tables that are printed as their rows arrive. */
export function formatLooseRow(columns: readonly Column[], cells: readonly Cell[], style: Style): string {
  const widths = columns.map((column) => Math.max(column.width ?? 0, column.header.length));
  return `${formatRow(cells, columns, widths, style)}\n`;
}

/** 1234567 as `1,234,567`. Not toLocaleString: with options it takes 50 us a number, seconds for thousands of reals. */
export function formatCount(value: number): string {
  const digits = String(Math.round(value));
  return digits.length < 4 ? digits : digits.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

export function formatRow(
  cells: readonly Cell[],
  columns: readonly Column[],
  widths: readonly number[],
  style: Style,
): string {
  const padded = columns.map((column, index) => {
    const cell = cells[index] ?? '';
    const text = cellText(cell);
    const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - text.length));
    const shown = typeof cell === 'object' ? style(cell.colour, text) : text;
    if (column.align === 'right') return space + shown;
    return index === columns.length - 1 ? shown : shown + space;
  });
  return padded.join(GAP).trimEnd();
}

export function cellText(cell: Cell): string {
  if (typeof cell === 'number') return formatCount(cell);
  return typeof cell === 'string' ? cell : cell.text;
}
