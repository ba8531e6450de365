/**
 * @file Tables of questions of one kind, which the paper's table does not show. They are read by rule, without the judge:
 * yes/no as POPE measures them, multiple choice by its letters.
 */
import type { SetResult } from "../evaluation/aggregate.ts";
import { type Cell, cellOf } from "./cells.ts";

/** Each kind with the names of its numbers, in the order of `KindCells.numbers`. */
export const KINDS = {
  yesNo: {
    title: "yes/no",
    numbers: ["accuracy", "precision", "recall", "F1", "yes share"],
    note:
      "yes/no: questions whose answer is yes or no, in %, as POPE reads and measures them: yes is the positive class, and a " +
      "response says no when its first sentence has the word no or not. yes share: questions answered with yes.",
  },
  choice: {
    title: "letter",
    numbers: ["accuracy"],
    note: "letter: multiple-choice questions, in %: the right option is picked, by letter or by text; several or none are wrong.",
  },
} as const;

export type Kind = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as Kind[];

/** The questions of one kind in one set, as one row answered them. */
export interface KindCells {
  /** Their number; undefined while a sample is missing. */
  readonly n: number | undefined;
  /** Undefined where the denominator is 0: no precision without a yes. */
  readonly numbers: readonly (Cell | undefined)[];
}

/** The cells of one set in a row. */
export function kindCells(kind: Kind, { choice, yesNo: { value, coverage } }: SetResult): KindCells {
  if (kind === "choice") return { n: choice.value?.n, numbers: [cellOf(choice)] };
  const metrics = ["accuracy", "precision", "recall", "f1", "yesShare"] as const;
  return { n: value?.n, numbers: metrics.map((metric) => cellOf({ value: value?.[metric] ?? null, coverage })) };
}
