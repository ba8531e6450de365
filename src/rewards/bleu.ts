/** @file BLEU-1 between the given and the right answer: a small term that grades near misses. */

import type { RewardInput } from "./define.ts";

/** Lower-cased words of ASCII letters and digits; every other character separates them. */
export function bleuWords(text: string): string[] {
  // Lower-cased last: some letters beyond ASCII have an ASCII letter for their lower case.
  return (text.match(/[a-zA-Z0-9]+/g) ?? []).map((word) => word.toLowerCase());
}

/**
 * Sentence BLEU with unigrams only, in [0, 1]: clipped precision times the brevity penalty exp(1 - |reference| / |given|)
 * of a shorter answer; 0 without overlap. Equals NLTK's `sentence_bleu([reference], given, weights=(1, 0, 0, 0))`.
 */
export function bleu1(given: readonly string[], reference: readonly string[]): number {
  if (given.length === 0) return 0;
  const left = new Map<string, number>();
  for (const word of reference) left.set(word, (left.get(word) ?? 0) + 1);
  let matches = 0;
  for (const word of given) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    left.set(word, count - 1);
    matches++;
  }
  const brevity = given.length > reference.length ? 1 : Math.exp(1 - reference.length / given.length);
  return (matches / given.length) * brevity;
}

/** BLEU-1 of the parsed answer (paper, section 3.2). 0 without an answer, and where it is a box: near misses of its numbers are no such words. */
export function answerBleu({ chain, sample }: RewardInput): number {
  return chain.answer === undefined || sample.task === "detect"
    ? 0
    : bleu1(bleuWords(chain.answer), bleuWords(sample.answer));
}

/**
 * BLEU-1 of everything after the first `<answer>`, as in the original code: a closing `</answer>` counts as the word
 * "answer", so `2</answer>` against `2` is 0.5. 0 without the tag.
 */
export function answerBleuAsInCode({ chain: { text }, sample }: RewardInput): number {
  const at = text.indexOf("<answer>");
  return at < 0 ? 0 : bleu1(bleuWords(text.slice(at + "<answer>".length)), bleuWords(sample.answer));
}
