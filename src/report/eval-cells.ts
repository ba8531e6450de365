/** @file The cells of tables of evaluations as text, alike in the terminal, in files and on the page. */
import type { Cell } from "../eval/cells.ts";
import type { Metric } from "../eval/paper-table.ts";
import { fraction, partial, percent } from "./format.ts";

/** A number as a table prints it, without its interval: `85.1`, `0.718`, `partial 40 %`, `–`. */
export function cellText(cell: Cell | undefined, metric: Metric): string {
  if (cell?.value === null) return partial(cell.coverage);
  return (metric === "acc" ? percent : fraction)(cell?.value?.mean);
}

/** Half the width of a number's interval: `±2.9`. Empty without one. */
export function halfWidth(cell: Cell | undefined, metric: Metric): string {
  const { low, high } = cell?.value ?? {};
  if (low === undefined || high === undefined) return "";
  return `±${(metric === "acc" ? percent : fraction)((high - low) / 2)}`;
}

/** A number with its interval, where it has one: `85.1 ±2.9`. */
export function wholeText(cell: Cell | undefined, metric: Metric): string {
  return `${cellText(cell, metric)} ${halfWidth(cell, metric)}`.trim();
}

/** Name of a row, with the seeds behind it where there are several. */
export function rowTitle({ name, seeds }: { readonly name: string; readonly seeds: number }): string {
  return seeds > 1 ? `${name} (${seeds} seeds)` : name;
}
