/** @file A number of a table: of one evaluation with its interval, of several seeds, or published. */
import { seedsInterval } from "../evaluation/statistics.ts";

export interface Cell {
  /** Null where a sample is still missing: the number is partial, and not given. */
  readonly value: { readonly mean: number; readonly low?: number; readonly high?: number } | null;
  /** Samples measured, of all; 1 for published numbers. */
  readonly coverage: number;
}

/** One number over the seeds of a row; undefined where there is none to give, in any of them. */
export function cellOf(numbers: readonly Cell[]): Cell | undefined {
  const coverage = Math.min(...numbers.map((number) => number.coverage));
  if (coverage < 1) return { value: null, coverage };
  const values = numbers.map(({ value }) => value).filter((value) => value !== null);
  if (values.length < numbers.length) return undefined;
  return { value: values.length === 1 ? values[0]! : seedsInterval(values.map(({ mean }) => mean)), coverage };
}
