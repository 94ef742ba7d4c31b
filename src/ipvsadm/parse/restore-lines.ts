// Splits the input of `ipvsadm -R` into command lines.

/**
 * Returns the command lines that `ipvsadm -R` finds in a text: one in each line, with or without the program's name before it.
 */
export function restoreLines(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => {
      const words = line.split(/\s+/).filter((word) => word !== '');
      const first = words.findIndex((word) => word !== 'ipvsadm');
      return first < 0 ? [] : words.slice(first);
    })
    .filter((words) => words.length > 0);
}
