/** @file Lists cut into chunks, and means. */

/** Cuts a list into chunks of `size` items; the last may be shorter. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

/** Arithmetic mean. @throws Error without values */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new Error("mean of no values");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
