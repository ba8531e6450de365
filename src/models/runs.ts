/** @file Neighbours of equal length, which are computed as one batch. */

/** `count` neighbours of `length` each. */
export interface Run {
  readonly count: number;
  readonly length: number;
}

/** e.g. [3, 3, 5] → [{ count: 2, length: 3 }, { count: 1, length: 5 }]. */
export function runsOf(lengths: readonly number[]): Run[] {
  const runs: { count: number; length: number }[] = [];
  for (const length of lengths) {
    const last = runs.at(-1);
    if (last?.length === length) last.count++;
    else runs.push({ count: 1, length });
  }
  return runs;
}
