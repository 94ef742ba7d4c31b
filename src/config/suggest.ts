/** The one of `allowed` that `found` was probably meant to be; undefined when none is near. */
export function suggest(found: string, allowed: readonly string[]): string | undefined {
  const nearest = allowed
    .map((candidate) => ({ candidate, distance: editDistance(plain(found), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest === undefined) return undefined;
  const tolerance = Math.max(1, Math.floor(nearest.candidate.length / 3));
  return nearest.distance <= tolerance ? nearest.candidate : undefined;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** Levenshtein distance; long names are near to nothing, so they are not worth comparing. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, at(previous, j) + 1, at(row, j - 1) + 1));
    }
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0;
}
