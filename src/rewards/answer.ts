/** @file The answer term: a judge's verdict on the text after `<answer>`, made binary for training. */

import { isFound } from "../chain/detection.ts";
import { type Judge, requestOf } from "../judge/judge.ts";
import { isScored, type Score } from "../records.ts";
import type { RewardInput } from "./define.ts";

/**
 * s_GPT of the paper (section 3.2), 0 or 1: 1 when the judge gives at least half the marks. 0 without an answer. A detection sample
 * asks no judge: 1 when the answer is its box, at an IoU of 0.5 or more.
 */
export async function answerIsRight(judge: Judge, rollout: RewardInput): Promise<Score> {
  if (rollout.sample.task === "detect") {
    const found = isFound(rollout.sample, rollout.chain);
    return found === undefined ? { unscored: "a detection sample without a true box" } : Number(found);
  }
  const score = await verdict(judge, rollout);
  return isScored(score) ? (score >= 0.5 ? 1 : 0) : score;
}

/** The original code's answer term: any credit at all counts as right, and detection samples never score. */
export async function answerIsRightAsInCode(judge: Judge, rollout: RewardInput): Promise<Score> {
  if (rollout.sample.task === "detect") return 0;
  const score = await verdict(judge, rollout);
  return isScored(score) ? (score > 0 ? 1 : 0) : score;
}

async function verdict(judge: Judge, { sample, chain }: RewardInput): Promise<Score> {
  if (chain.answer === undefined) return 0;
  return await judge.judge(requestOf(sample, chain.answer));
}
