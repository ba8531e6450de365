/** @file The rewards that a recipe asks for: a preset's terms, those of its own modules, and the weights that it gives them. */
import type { Recipe } from "../config/recipe.ts";
import type { Judge } from "../judge/judge.ts";
import { UserError } from "../util/errors.ts";
import { defineReward, type Reward } from "./define.ts";
import { rewardPreset } from "./preset.ts";

/** The name by which `rewards.weights` means a part of the term `grounding`: that a counting sample gets as many boxes as its answer says. */
export const COUNTING = "counting";

/**
 * The rewards of a recipe's section `rewards`, with the weights it gives them.
 * @param custom the rewards of its modules
 * @throws UserError when a weight is that of a term which there is not
 */
export function rewardsOf(
  { preset, weights = {} }: Pick<Recipe["rewards"], "preset" | "weights">,
  judge: Judge,
  custom: readonly Reward[] = [],
): Reward[] {
  const rewards = [...rewardPreset(preset, judge, { counting: weights[COUNTING] }), ...custom];
  const names = [...rewards.map(({ name }) => name), COUNTING];
  const unknown = Object.keys(weights).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UserError(
      `rewards.weights: there is no term "${unknown}" in the preset ${preset}${custom.length > 0 ? " or in rewards.custom" : ""}.`,
      `Its terms are ${names.join(", ")}.`,
    );
  }
  return rewards.map((reward) => defineReward({ ...reward, weight: weights[reward.name] ?? reward.weight }));
}
