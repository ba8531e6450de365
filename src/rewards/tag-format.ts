/** @file Terms about the form of a chain: the number and order of its tags. */

import { length, SPACE, strip } from "../chain/python.ts";
import type { RewardInput } from "./define.ts";

/**
 * s_st of the paper (section 3.2, eq. 2): 0.5 for a correct think pair and 0.5 for a correct rethink pair. A pair is correct
 * when each of its tags occurs once, nothing tagged stands inside, rethink follows think, and both precede `<answer>`.
 */
export function thinkPairs({ chain }: RewardInput): number {
  const correct = (name: "think" | "rethink") =>
    chain[name] !== undefined &&
    occurrences(chain.text, `<${name}>`) === 1 &&
    occurrences(chain.text, `</${name}>`) === 1;
  return (correct("think") ? 0.5 : 0) + (correct("rethink") ? 0.5 : 0);
}

/**
 * The original code's tag scan, in fifths of 1: each of the four tags found adds one and moves on behind its *last*
 * occurrence (so uniqueness is not asked for, and a missing tag does not block the next); all four found, one more when
 * the think body has more than one character and, with other characters than letters and digits as blanks, a blank.
 */
export function tagScan({ chain: { text } }: RewardInput): number {
  let found = 0;
  let rest = text;
  for (const tag of ["<think>", "</think>", "<rethink>", "</rethink>"]) {
    if (!rest.includes(tag)) continue;
    found++;
    rest = afterLast(rest, tag);
  }
  if (found === 4) {
    const body = strip(afterLast(text, "<think>").split("</think>", 1)[0]!);
    // Line breaks and other white space stay as they are in the original, so they are no blanks here either.
    if (length(body) > 1 && blank.test(body)) found++;
  }
  return found / 5;
}

const blank = new RegExp(`[^a-zA-Z0-9${SPACE}]| `, "u");

/** The original code's `answer_format_reward`: half for an `<answer>`, the other half when it is the only one. */
export function answerTag({ chain: { text } }: RewardInput): number {
  const count = occurrences(text, "<answer>");
  return count === 0 ? 0 : count === 1 ? 1 : 0.5;
}

function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}

function afterLast(text: string, part: string): string {
  return text.slice(text.lastIndexOf(part) + part.length);
}
