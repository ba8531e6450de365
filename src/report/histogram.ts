/** @file How values are spread: as bars on the page, and as a row of blocks in the terminal. */

import { extent } from "../util/arrays.ts";
import { type Html, html } from "./html.ts";

const BINS = 10;
const BLOCKS = " ▁▂▃▄▅▆▇█";

/** How many values lie in each of ten equal parts of their range; all in the first where they are equal. */
export function bins(values: readonly number[]): number[] {
  const [low, high] = extent(values);
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const bin = high > low ? Math.floor(((value - low) / (high - low)) * BINS) : 0;
    counts[Math.min(bin, BINS - 1)]!++;
  }
  return counts;
}

/** The bins as blocks as high as their counts; a bin with a value in it is never blank. */
export function sparkline(values: readonly number[]): string {
  const counts = bins(values);
  const most = Math.max(...counts, 1);
  return counts.map((count) => BLOCKS[Math.ceil((count / most) * (BLOCKS.length - 1))]).join("");
}

/** The bins as bars, with the ends of the range below them. */
export function histogram(values: readonly number[], format: (value: number) => string): Html | undefined {
  if (values.length === 0) return undefined;
  const counts = bins(values);
  const most = Math.max(...counts);
  const [low, high] = extent(values);
  const label = `${values.length} values from ${format(low)} to ${format(high)}`;
  return html`<svg class="bars" viewBox="0 0 ${BINS * 10} 30" preserveAspectRatio="none" role="img" aria-label="${label}">${counts.map(
    (count, i) =>
      html`<rect class="amount" x="${i * 10 + 0.5}" width="9" y="${30 - (count / most) * 30}" height="${(count / most) * 30}"/>`,
  )}</svg><small>${format(low)} … ${format(high)}</small>`;
}
