/** @file Formats the cells of evaluation tables, for the terminal, for files and for the page. */
import type { Metric } from "../evaluation/aggregate.ts";
import type { Cell, Form } from "../tables/cells.ts";
import type { TableSet } from "../tables/paper-table.ts";
import { fraction, type Maybe, partial, percent, rating } from "./number-format.ts";

/** The metrics' titles. */
export const TITLE = {
  acc: "ACC",
  accBinary: "binarised ACC",
  giou: "IoU",
  giouRaw: "raw IoU",
  f1: "box F1",
  acc50: "Acc@0.5",
  answerIoU: "answer IoU",
  choice: "letter accuracy",
  rating: "rating",
  hallucination: "hallucination rate",
} as const satisfies Readonly<Record<Metric, string>>;

/** How each metric is written: in % what is a share, not how well boxes fit. */
export const FORM: Readonly<Record<Metric, Form>> = {
  acc: "percent",
  accBinary: "percent",
  giou: "fraction",
  giouRaw: "fraction",
  f1: "fraction",
  acc50: "percent",
  answerIoU: "fraction",
  choice: "percent",
  rating: "rating",
  hallucination: "percent",
};

/** A number in its form. */
export const WRITE: Readonly<Record<Form, (value: Maybe) => string>> = { percent, fraction, rating };

/** A metric's title with its unit: `ACC, %`. */
export function titleWithUnit(metric: Metric): string {
  return FORM[metric] === "percent" ? `${TITLE[metric]}, %` : TITLE[metric];
}

/** A number as a table prints it, without its interval: `85.1`, `0.718`, `partial 40 %`, `–`. */
export function cellText(cell: Cell | undefined, form: Form): string {
  if (cell?.value === null) return partial(cell.coverage);
  return WRITE[form](cell?.value?.mean);
}

/** Half the width of a number's interval: `±2.9`. Empty without one. */
export function halfWidth(cell: Cell | undefined, form: Form): string {
  const { low, high } = cell?.value ?? {};
  if (low === undefined || high === undefined) return "";
  return `±${WRITE[form]((high - low) / 2)}`;
}

/** A number with its interval, where it has one: `85.1 ±2.9`. */
export function wholeText(cell: Cell | undefined, form: Form): string {
  return `${cellText(cell, form)} ${halfWidth(cell, form)}`.trim();
}

/** How many samples of a set were asked: `288`, or `first 20 of 288`. */
export function samplesText({ samples, of }: Omit<TableSet, "name">): string {
  return of === undefined ? String(samples) : `first ${samples} of ${of}`;
}

/** Name of a row, with the number of seeds if there are several. */
export function rowTitle({ name, seeds }: { readonly name: string; readonly seeds: number }): string {
  return seeds > 1 ? `${name} (${seeds} seeds)` : name;
}
