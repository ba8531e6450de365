/** @file A number of a table: of one evaluation or several seeds, with its interval, or published. */

export interface Cell {
  /** Null where a sample is still missing: the number is partial, and not given. */
  readonly value: { readonly mean: number; readonly low?: number; readonly high?: number } | null;
  /** Samples measured, of all, in the seed that has the fewest; 1 for published numbers. */
  readonly coverage: number;
}

/** A number as a table holds it; undefined where a set has no such number. */
export function cellOf({ value, coverage }: Cell): Cell | undefined {
  return value === null && coverage === 1 ? undefined : { value, coverage };
}
