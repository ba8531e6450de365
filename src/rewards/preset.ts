/**
 * @file The two reward presets: `paper` is GRPO-GR as the paper defines it, `code` what the original repository computes.
 * With `paper` (section 3.2) a perfect chain scores 2.6, a perfect counting chain 3.1. `code` has the original's quirks,
 * since its released checkpoints were trained with it: 3.1 and 4.1.
 *
 * Quirks kept in `code`: the closing answer tag counts as a word in BLEU; an empty completion earns the full repetition
 * term, which can also be negative, and ids are cut at a fixed pad id; the tag scan jumps to a tag's last occurrence, does
 * not ask for uniqueness and never looks at the place of `<answer>`; repeated and impossible boxes count. Fixed in both:
 * counting looks at each sample's own data set and accepts answers that are not integers, and a judge's score is a number
 * in [0, 1] or `Unscored`, not whatever digits its text contained.
 */

import type { Judge } from "../judge/judge.ts";
import { UserError } from "../util/errors.ts";
import { answerIsRight, answerIsRightAsInCode } from "./answer.ts";
import { answerBleu, answerBleuAsInCode } from "./bleu.ts";
import { defineReward, type Reward } from "./define.ts";
import { boxesAndCount, boxesAndCountAsInCode } from "./grounding.ts";
import { repetition } from "./repetition.ts";
import { answerTag, tagScan, thinkPairs } from "./tag-format.ts";

export const presetNames = ["paper", "code"] as const;
export type PresetName = (typeof presetNames)[number];

/**
 * The rewards of a preset, in the order of the paper or of the original's registry.
 * @param counting weight of the part of `grounding` that compares the number of boxes with the answer of a counting sample
 */
export function rewardPreset(name: PresetName, judge: Judge, { counting = 1 } = {}): Reward[] {
  if (name === "paper") {
    return [
      defineReward({ name: "answer", weight: 1, score: (rollout) => answerIsRight(judge, rollout) }),
      defineReward({ name: "bleu", weight: 0.1, score: answerBleu }),
      defineReward({ name: "grounding", weight: 1, score: (rollout) => boxesAndCount(rollout, counting) }),
      defineReward({ name: "think_format", weight: 1, score: thinkPairs }),
    ];
  }
  return [
    defineReward({ name: "answer", weight: 1, score: (rollout) => answerIsRightAsInCode(judge, rollout) }),
    defineReward({ name: "bleu", weight: 0.1, score: answerBleuAsInCode }),
    defineReward({ name: "answer_format", weight: 0.5, score: answerTag }),
    defineReward({ name: "repetition", weight: 0.5, score: repetition }),
    defineReward({ name: "grounding", weight: 1, score: (rollout) => boxesAndCountAsInCode(rollout, counting) }),
    defineReward({ name: "think_format", weight: 0.5, score: tagScan }),
  ];
}

/** The preset of that name. @throws UserError on another name */
export function presetName(name: string): PresetName {
  const known = presetNames.find((preset) => preset === name);
  if (known) return known;
  throw new UserError(`there is no reward preset "${name}"`, `presets are: ${presetNames.join(", ")}`);
}
