/** @file Formats the cells of evaluation tables, for the terminal, for files and for the page. */
import type { Metric } from "../evaluation/aggregate.ts";
import type { Cell } from "../tables/cells.ts";
import type { TableSet } from "../tables/paper-table.ts";
import { fraction, partial, percent } from "./number-format.ts";

/** The metrics' titles. */
export const TITLE = {
  acc: "ACC",
  accBinary: "binarised ACC",
  giou: "IoU",
  giouRaw: "raw IoU",
  f1: "box F1",
  choice: "letter accuracy",
} as const satisfies Readonly<Record<Metric, string>>;

/** Whether a metric is written in %: what is right or wrong, not how well boxes fit. */
export function inPercent(metric: Metric): boolean {
  return metric === "acc" || metric === "accBinary" || metric === "choice";
}

/** A metric's title with its unit: `ACC, %`. */
export function titleWithUnit(metric: Metric): string {
  return inPercent(metric) ? `${TITLE[metric]}, %` : TITLE[metric];
}

/** A number as a table prints it, without its interval: `85.1`, `0.718`, `partial 40 %`, `–`. */
export function cellText(cell: Cell | undefined, metric: Metric): string {
  if (cell?.value === null) return partial(cell.coverage);
  return (inPercent(metric) ? percent : fraction)(cell?.value?.mean);
}

/** Half the width of a number's interval: `±2.9`. Empty without one. */
export function halfWidth(cell: Cell | undefined, metric: Metric): string {
  const { low, high } = cell?.value ?? {};
  if (low === undefined || high === undefined) return "";
  return `±${(inPercent(metric) ? percent : fraction)((high - low) / 2)}`;
}

/** A number with its interval, where it has one: `85.1 ±2.9`. */
export function wholeText(cell: Cell | undefined, metric: Metric): string {
  return `${cellText(cell, metric)} ${halfWidth(cell, metric)}`.trim();
}

/** How many samples of a set were asked: `288`, or `first 20 of 288`. */
export function samplesText({ samples, of }: Omit<TableSet, "name">): string {
  return of === undefined ? String(samples) : `first ${samples} of ${of}`;
}

/** Name of a row, with the number of seeds if there are several. */
export function rowTitle({ name, seeds }: { readonly name: string; readonly seeds: number }): string {
  return seeds > 1 ? `${name} (${seeds} seeds)` : name;
}
