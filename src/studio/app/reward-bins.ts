/** @file Rewards in equal parts of their range. */

const BINS = 12;

/** A part of the range; without values the ends are none. */
export interface Bin {
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** Equal parts of the range of the totals, each with the least and the largest total in it. */
export function rewardBins(totals: readonly number[]): Bin[] {
  const sorted = totals.toSorted((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) return [];
  const binOf = (total: number) => Math.min(BINS - 1, Math.floor(((total - low) / (high - low || 1)) * BINS));
  return Array.from({ length: BINS }, (_, bin) => {
    const inside = sorted.filter((total) => binOf(total) === bin);
    return { least: inside[0] ?? Number.NaN, most: inside.at(-1) ?? Number.NaN, count: inside.length };
  });
}
