// Tables that fit the width of a terminal: columns are dropped, shortened or stacked.
import type { Style } from './style.ts';
import { type Cell, type Column, cellText, formatRow, widthsOf } from './text-table.ts';
import { wrapWords } from './wrap-words.ts';

/** A column, and how it shrinks when the table is wider than the terminal. */
export interface FitColumn extends Column {
  /** Its header when there is little room. */
  readonly short?: string;
  /** Left out when it is empty. */
  readonly optional?: boolean;
  /** Moved to a line below the row, those with the highest number first; in no order of the columns. */
  readonly stack?: number;
  /** Its texts are shown without the header when they are below a row. */
  readonly speaks?: boolean;
  /** Its longest texts lose their middle as a last resort: addresses and names. */
  readonly shorten?: boolean;
}

/** The cells of a row, or a text above the rows that follow it. */
export type FitRow = readonly Cell[] | { readonly heading: Cell };

export interface FitOptions {
  readonly style: Style;
  /** Width of the terminal; undefined: no limit. */
  readonly width: number | undefined;
}

/**
 * Rows under headers, in lines that the terminal shows whole. Where they are too long, in this order: columns without
 * content are left out, headers and numbers get short, columns move to a line below the row, texts lose their middle.
 */
export function fitTable(
  columns: readonly FitColumn[],
  rows: readonly FitRow[],
  { style, width }: FitOptions,
): string {
  const layout = layOut(columns, rows.filter(isCells), width ?? Number.POSITIVE_INFINITY);
  const { shown, stacked, widths } = layout;
  const visible = shown.map((index) => layout.columns[index] as FitColumn);
  const line = (cells: readonly Cell[]): string =>
    formatRow(
      shown.map((index) => shortened(cells[index] ?? '', widths[index] ?? 0, layout)),
      visible,
      shown.map((index) => widths[index] ?? 0),
      style,
    );
  const header = line(layout.columns.map(({ header: text }) => ({ text, colour: 'dim' })));
  const lines = rows.flatMap((row) => {
    if (!isCells(row)) return [formatCell(row.heading, style)];
    return [
      line(row),
      ...detailLines(row, { columns, stacked, width: width ?? 0 }).map((text) => style('dim', text)),
    ];
  });
  return [header, ...lines].map((text) => `${text}\n`).join('');
}

function isCells(row: FitRow): row is readonly Cell[] {
  return Array.isArray(row);
}

interface Layout {
  readonly columns: readonly FitColumn[];
  /** Indices of the columns that are in the line of the row, and of those that are below it. */
  readonly shown: readonly number[];
  readonly stacked: readonly number[];
  readonly widths: readonly number[];
  readonly isCompact: boolean;
}

const GAP = 2;
const LEAST_TEXT = 15;

function layOut(given: readonly FitColumn[], rows: readonly (readonly Cell[])[], width: number): Layout {
  const all = given.map((_, index) => index);
  const full = { columns: given, shown: all, stacked: [], widths: widthsOf(given, rows), isCompact: false };
  if (isWithin(full, width)) return full;
  const used = all.filter(
    (index) => given[index]?.optional !== true || rows.some((row) => !isEmpty(row[index] ?? '')),
  );
  const dropped = { ...full, shown: used };
  if (isWithin(dropped, width)) return dropped;
  const columns = given.map((column) => ({ ...column, header: column.short ?? column.header }));
  const compactRows = rows.map((row) => row.map(compact));
  let layout: Layout = {
    columns,
    shown: used,
    stacked: [],
    widths: widthsOf(columns, compactRows),
    isCompact: true,
  };
  for (const index of stackOrder(given, used)) {
    if (isWithin(layout, width)) return layout;
    const shown = layout.shown.filter((other) => other !== index);
    layout = { ...layout, shown, stacked: used.filter((other) => !shown.includes(other)) };
  }
  return { ...layout, widths: shortenedWidths(layout, width) };
}

function isWithin(layout: Layout, width: number): boolean {
  return lineLength(layout) <= width;
}

function lineLength({ shown, widths }: Layout): number {
  return shown.reduce((sum, index) => sum + (widths[index] ?? 0), GAP * (shown.length - 1));
}

function stackOrder(columns: readonly FitColumn[], used: readonly number[]): number[] {
  const places = used.filter((index) => columns[index]?.stack !== undefined);
  return places.toSorted((a, b) => (columns[b]?.stack ?? 0) - (columns[a]?.stack ?? 0));
}

/** Takes what is too much from the widest that can be shortened, again and again. */
function shortenedWidths(layout: Layout, width: number): number[] {
  const widths = [...layout.widths];
  const able = layout.shown.filter((index) => layout.columns[index]?.shorten === true);
  for (let excess = lineLength(layout) - width; excess > 0; excess--) {
    const widest = able.reduce<number | undefined>(
      (most, index) => (most === undefined || (widths[index] ?? 0) > (widths[most] ?? 0) ? index : most),
      undefined,
    );
    if (widest === undefined || (widths[widest] ?? 0) <= LEAST_TEXT) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function shortened(cell: Cell, width: number, { isCompact }: Layout): Cell {
  const own = isCompact ? compact(cell) : cell;
  const text = cellText(own);
  if (text.length <= width) return own;
  const head = Math.ceil((width - 1) / 2);
  const cut = `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
  return typeof own === 'object' ? { ...own, text: cut } : cut;
}

/** 1234567 as 1.23M. */
function compact(cell: Cell): Cell {
  if (typeof cell !== 'number' || cell < 10_000) return cell;
  const power = Math.min(UNITS.length, Math.floor(Math.log10(cell) / 3));
  const value = cell / 1000 ** power;
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)}${UNITS[power - 1] ?? ''}`;
}

const UNITS = ['k', 'M', 'G', 'T', 'P'] as const;

function isEmpty(cell: Cell): boolean {
  return ['', '-', '0'].includes(cellText(cell));
}

interface Details {
  readonly columns: readonly FitColumn[];
  readonly stacked: readonly number[];
  readonly width: number;
}

/** Returns the lines below a row: its stacked columns by name, as many per line as fit. */
function detailLines(row: readonly Cell[], { columns, stacked, width }: Details): string[] {
  const parts = stacked.flatMap((index) => {
    const cell = row[index] ?? '';
    if (isEmpty(cell)) return [];
    const { header = '', speaks = false } = columns[index] ?? {};
    return [speaks ? cellText(cell) : `${header.toLowerCase()} ${cellText(cell)}`];
  });
  return wrapWords(parts.join('; '), width);
}

function formatCell(cell: Cell, style: Style): string {
  return typeof cell === 'object' ? style(cell.colour, cell.text) : cellText(cell);
}
