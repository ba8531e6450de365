/**
 * @file Tables of questions of one kind, which the paper's table does not show: yes/no as POPE measures them and multiple choice
 * by its letters, both read by rule, without the judge; and MMHal-Bench's questions, whose answers a judge rates.
 */
import type { Ratings, SetResult } from "../evaluation/aggregate.ts";
import type { Measured } from "../evaluation/manifest.ts";
import { type Cell, cellOf, type Form } from "./cells.ts";

/** One number of a kind: its name and how it is written. */
interface KindNumber {
  readonly name: string;
  readonly form: Form;
}

const percents = (...names: string[]) => names.map((name): KindNumber => ({ name, form: "percent" }));

/** Each kind with its numbers, in the order of `KindCells.numbers`. */
export const KINDS = {
  yesNo: {
    title: "yes/no",
    numbers: percents("accuracy", "precision", "recall", "F1", "yes share"),
    note:
      "yes/no: questions whose answer is yes or no, in %, as POPE reads and measures them: yes is the positive class, and a " +
      "response says no when its first sentence has the word no or not. yes share: questions answered with yes.",
  },
  choice: {
    title: "letter",
    numbers: percents("accuracy"),
    note: "letter: multiple-choice questions, in %: the right option is picked, by letter or by text; several or none are wrong.",
  },
  rating: {
    title: "rated",
    numbers: [{ name: "mean rating", form: "rating" }, ...percents("hallucination rate")],
    note:
      "rated: MMHal-Bench's questions, all and then by type: mean rating by the judge, from 0 to 6, and hallucination rate, the " +
      "share of ratings below 3, in %.",
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

/** Whether an answered sample is a question of a kind. */
export function isOfKind(sample: Measured, kind: Kind): boolean {
  return kind === "rating" ? sample.rating !== undefined : sample[kind] !== null;
}

/** The cells of one set in a row. */
export function kindCells(kind: Kind, result: SetResult): KindCells {
  if (kind === "rating") return ratingCells(result);
  const { choice, yesNo } = result;
  if (kind === "choice") return { n: choice.value?.n, numbers: [cellOf(choice)] };
  const { value, coverage } = yesNo;
  const metrics = ["accuracy", "precision", "recall", "f1", "yesShare"] as const;
  return { n: value?.n, numbers: metrics.map((metric) => cellOf({ value: value?.[metric] ?? null, coverage })) };
}

/** The cells of rated answers: those of a set, or of one type of question. */
export function ratingCells({ rating, hallucination }: Ratings): KindCells {
  return { n: rating.value?.n, numbers: [cellOf(rating), cellOf(hallucination)] };
}
