// Suggests the known name that a mistyped one resembles.

/** Names that begin alike are near, whatever their ends: `retry` and `retries`. */
const SAME_BEGINNING = 4;

/** The one of `allowed` that `found` was probably meant to be; undefined when none is near. */
export function suggest(found: string, allowed: readonly string[]): string | undefined {
  return allowed
    .map((candidate) => ({ candidate, distance: editDistance(plain(found), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance)
    .find((near) => isMeant(found, near))?.candidate;
}

function isMeant(
  found: string,
  { candidate, distance }: { readonly candidate: string; readonly distance: number },
): boolean {
  const beginning = plain(candidate).slice(0, SAME_BEGINNING);
  const alike = beginning.length === SAME_BEGINNING && plain(found).startsWith(beginning);
  return alike || distance <= Math.max(1, Math.floor(candidate.length / 3));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  // Long rubbish is near to nothing, and not worth the square of its length.
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY;
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const shortest = Math.min(replaced, at(i - 1, j) + 1, at(i, j - 1) + 1);
      row.push(swapped ? Math.min(shortest, at(i - 2, j - 2) + 1) : shortest);
    }
  }
  return at(a.length, b.length);
}
