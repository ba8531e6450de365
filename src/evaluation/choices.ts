/** @file Multiple choice: whether the letter that a response picks is the right one. */

import { choicesIn, chosenOption } from "../judge/choices-listed.ts";
import type { Sample } from "../records.ts";

/**
 * Letter accuracy of one sample: 1 when the response picks the right one of the sample's options, by letter or by text; 0
 * when it picks another, several or none, and without a response; no option is guessed instead. The options are the
 * sample's `choices`, or else those its question lists. Undefined when there are none, or the answer is none of them.
 */
export function choiceAccuracy(sample: Sample, response: string | undefined): number | undefined {
  const choices = sample.choices ?? choicesIn(sample.question);
  const right = chosenOption(sample.answer, choices);
  if (right === undefined) return undefined;
  return Number(response !== undefined && chosenOption(response, choices) === right);
}
