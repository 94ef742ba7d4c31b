// The order of turns for round robin and weighted round robin.

/** The most turns of a weighted rotation. Weights that need more are scaled down in proportion. */
export const MAX_TURNS = 65_536;

/** Returns the turns of round robin: the positions of the positive weights, in order. */
export function roundRobin(weights: readonly number[]): readonly number[] {
  return weights.flatMap((weight, position) => (weight > 0 ? [position] : []));
}

/**
 * Returns the turns of weighted round robin: positions in the order in which kernel IPVS (ip_vs_wrr.c) schedules once it runs
 * steadily. A threshold goes down from the greatest weight by the common divisor; at each step every real at or above it has a
 * turn, the last listed first. Weights 3, 2, 1 give 1 2 1 3 2 1.
 */
export function weightedRotation(weights: readonly number[]): readonly number[] {
  const reduced = reduce(limit(weights));
  const byWeight = reduced
    .map((weight, position) => ({ weight, position }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  const turns: number[] = [];
  const due: number[] = [];
  for (let threshold = byWeight[0]?.weight ?? 0; threshold > 0; threshold--) {
    const before = due.length;
    while (byWeight[due.length]?.weight === threshold) due.push(byWeight[due.length]?.position as number);
    if (due.length > before) due.sort((a, b) => b - a);
    for (const position of due) turns.push(position);
  }
  return turns;
}

function reduce(weights: readonly number[]): readonly number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  return divisor > 1 ? weights.map((weight) => weight / divisor) : weights;
}

/** Scales weights down to `MAX_TURNS`. Every positive weight keeps at least one turn. */
function limit(weights: readonly number[]): readonly number[] {
  const reduced = reduce(weights);
  const cycle = reduced.reduce((sum, weight) => sum + weight, 0);
  if (cycle <= MAX_TURNS) return reduced;
  const room = MAX_TURNS - weights.filter((weight) => weight > 0).length;
  return reduced.map((weight) => (weight > 0 ? Math.max(1, Math.floor((weight * room) / cycle)) : 0));
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
