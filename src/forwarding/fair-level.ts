// Divides a budget among those who ask for parts of it, by max-min fairness.

/**
 * Returns the most that each may have of a budget: those that ask for less get all they ask for, the others the same amount
 * (max-min fairness).
 *
 * @param asked how much each asks for
 * @returns the budget itself when there is enough for all; never less than 1
 * @example fairLevel([10, 5000], 3000) // 2990
 */
export function fairLevel(asked: readonly number[], budget: number): number {
  const ascending = asked.toSorted((a, b) => a - b);
  let left = budget;
  for (const [i, amount] of ascending.entries()) {
    const level = left / (ascending.length - i);
    if (amount > level) return Math.max(1, Math.floor(level));
    left -= amount;
  }
  return budget;
}
