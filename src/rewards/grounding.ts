/** @file Terms about boxes: there are some, and in counting samples as many as the answer says. */

import { int } from "../chain/python.ts";
import type { Sample } from "../records.ts";
import type { RewardInput } from "./define.ts";

/** The count a counting sample asks for; undefined for other data sets and for answers that are not integers. */
export function wantedCount(sample: Sample): number | undefined {
  return sample.task === "count" ? int(sample.answer) : undefined;
}

/** What the right number of boxes earns, at a weight of 1. */
export const COUNT_WORTH = 0.5;

/**
 * s_bf + r_count of the paper (section 3.2): 0.5 for at least one box in the reasoning before the rethink, and 0.5 more when
 * a counting sample gets exactly as many boxes as its answer says. Only boxes without flaws count: distinct, with area, inside
 * the image. One box named five times counts once.
 * @param counting weight of the part that counts
 */
export function boxesAndCount({ chain, sample }: RewardInput, counting = 1): number {
  const answerAt = chain.text.indexOf("<answer>");
  const sound = chain.boxes.filter(
    (b) => b.beforeRethink && (answerAt < 0 || b.start < answerAt) && !b.duplicate && !b.degenerate && !b.outOfBounds,
  );
  return (sound.length > 0 ? 0.5 : 0) + (sound.length === wantedCount(sample) ? COUNT_WORTH * counting : 0);
}

/**
 * The original code's grounding term: 0 without `<rethink>`; else, from the boxes before it, 0.5 for at least one and 1 when a
 * counting sample gets as many as its answer says. Any four integers are a box, repeated ones included. One departure: the
 * original let the first sample of the batch decide whether all of them count, and crashed on answers that are not integers.
 * @param counting weight of the part that counts
 */
export function boxesAndCountAsInCode({ chain, sample }: RewardInput, counting = 1): number {
  if (!chain.text.includes("<rethink>")) return 0;
  const count = chain.boxes.filter((b) => b.beforeRethink).length;
  return (count > 0 ? 0.5 : 0) + (count === wantedCount(sample) ? counting : 0);
}
