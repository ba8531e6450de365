/** @file The original code's repetition term: runs of eight words or tokens that are repeated at once. */

import { words } from "../chain/python.ts";
import type { Score } from "../records.ts";
import type { RewardInput } from "./define.ts";

const N = 8;
/** `<|endoftext|>` of Qwen2.5 and InternVL3, which the original pads with: ids from the first one on are not looked at. */
const PAD_ID = 151643;

/**
 * `fresh(ids) + fresh(words) - 1`, in [-1, 1], where `fresh` is the share of 8-grams that the next 8-gram does not repeat.
 * As in the original, fewer than 8 words or 16 ids count as no repetition at all: even an empty completion scores 1.
 * Unscored when the completion's ids are unknown and its words alone do not settle it.
 */
export function repetition({ completion }: RewardInput): Score {
  const said = words(completion.text);
  if (said.length < N) return 1;
  if (completion.ids === undefined) return { unscored: "repetition looks at token ids, and completion_ids is missing" };
  const pad = completion.ids.indexOf(PAD_ID);
  const ids = pad < 0 ? completion.ids : completion.ids.slice(0, pad);
  if (ids.length < 2 * N) return 1;
  // Over words the original also compares with the shorter n-grams at the end, which never match: they only dilute.
  return fresh(ids, ids.length - 2 * N + 1) + fresh(said, said.length - N) - 1;
}

function fresh(items: readonly (string | number)[], comparisons: number): number {
  if (comparisons === 0) return 1;
  let repeats = 0;
  // `equal` counts how many items in a row, up to here, equal the one eight further on.
  let equal = 0;
  for (let i = 0; i + N < items.length; i++) {
    equal = items[i] === items[i + N] ? equal + 1 : 0;
    if (equal >= N) repeats++;
  }
  return 1 - repeats / comparisons;
}
