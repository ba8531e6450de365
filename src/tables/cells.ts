/** @file A number in a table: of one evaluation or several seeds, with its interval, or published. */

/** How a number is written: a share in %, an IoU with three digits, a rating with two. */
export type Form = "percent" | "fraction" | "rating";

export interface Cell {
  /** Null while a sample is missing: a partial number is not given. */
  readonly value: { readonly mean: number; readonly low?: number; readonly high?: number } | null;
  /** The share of samples measured, in the seed that has the fewest; 1 for published numbers. */
  readonly coverage: number;
}

/** A number as a table holds it; undefined where a set has no such number. */
export function cellOf({ value, coverage }: Cell): Cell | undefined {
  return value === null && coverage === 1 ? undefined : { value, coverage };
}
