/** @file A check as its file records it, also one that ended at faults of the data. */

import { figuresIn, type RecipeCheck } from "../check-result.ts";
import type { Recipe } from "../config/recipe.ts";
import type { CheckFile, Finding } from "../run/check-file.ts";
import { type Fault, type FaultyInput, linePlace } from "../util/faults.ts";

/** What was checked: the recipe, and its file as the command named it. */
export interface Checked {
  readonly file: string;
  readonly recipe: Recipe;
}

/** The record of a check that came to its end. */
export function checkRecord(checked: Checked, check: RecipeCheck): CheckFile {
  const { refusals, warnings, terms } = check;
  return { ...headOf(checked), refusals, warnings, figures: figuresIn(check), terms };
}

/** The record of a check that ended at faults of the data. */
export function faultyRecord(checked: Checked, { faults, remedy }: FaultyInput): CheckFile {
  const refusals = faults.map((fault) => findingOf(fault, remedy));
  return { ...headOf(checked), refusals, warnings: [], terms: [] };
}

function headOf({ file, recipe: { data } }: Checked): Pick<CheckFile, "recipe" | "made" | "data"> {
  return { recipe: file, made: new Date().toISOString(), data };
}

function findingOf({ where, what }: Fault, remedy: string): Finding {
  const place = linePlace(where);
  if (!place) return { key: where, what, remedy };
  const { file, line, key } = place;
  return { key: key || "line", what, remedy, at: [{ file, line }] };
}
