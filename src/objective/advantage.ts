/** @file Advantages: how much better each completion of a prompt did than its siblings (paper, eq. 1). */

import { isScored, type Score } from "../records.ts";
import { mean } from "../util/arrays.ts";

/** `group`: (r − mean) / (std + δ) within each prompt's group. `batch`: the group's mean, the deviation of all
 * the batch's scores (as TRL's `scale_rewards="batch"`).
 * `centered`: r − mean only (Dr. GRPO). */
export type AdvantageKind = "group" | "batch" | "centered";

/** δ of the original code; the paper writes 1e-8. */
export const DELTA = 1e-4;

/**
 * Advantages by group and member; unscored members get 0 and stay out of means and deviations. The deviation divides
 * by n − 1. A group with fewer than two scored members, or all of equal score, carries no signal: all zeros.
 */
export function advantages(scores: readonly (readonly Score[])[], kind: AdvantageKind): number[][] {
  const centred = scores.map((group) => {
    const scored = group.filter(isScored);
    const centre = average(scored);
    return group.map((score) => (isScored(score) && scored.length > 1 ? score - centre : 0));
  });
  if (kind === "centered") return centred;
  const pooled = deviation(scores.flat().filter(isScored));
  return centred.map((group, i) => {
    const std = kind === "group" ? deviation(scores[i]!.filter(isScored)) : pooled;
    return group.map((value) => value / (std + DELTA));
  });
}

/** Does a group teach: do its members differ in advantage? Only then it has a gradient. */
export function teaches(advantages: readonly number[]): boolean {
  return advantages.some((value) => Math.abs(value) > 1e-9);
}

/** Share of groups that teach. */
export function effectiveGroups(advantages: readonly (readonly number[])[]): number {
  return average(advantages.map((group) => Number(teaches(group))));
}

/** The mean; 0 of an empty list. */
function average(values: readonly number[]): number {
  return values.length ? mean(values) : 0;
}

/** Standard deviation, n − 1 in the denominator. */
function deviation(values: readonly number[]): number {
  const centre = average(values);
  return values.length > 1 ? Math.sqrt(values.reduce((a, b) => a + (b - centre) ** 2, 0) / (values.length - 1)) : 0;
}
