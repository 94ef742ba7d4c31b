// The width and the capabilities of the terminal.

/** The width of a terminal that does not report one. */
const USUAL_COLUMNS = 80;

export function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}

/** The columns of the terminal that a stream is; undefined for a file or a pipe, which take lines of any length. */
export function terminalWidth(stream: NodeJS.WritableStream): number | undefined {
  if (!isTerminal(stream)) return undefined;
  const columns = 'columns' in stream ? Number(stream.columns) : 0;
  return columns > 0 ? columns : USUAL_COLUMNS;
}
