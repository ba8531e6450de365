/** @file Answers written by hand, a perfect one and bad ones: what a reward can give is tried on them before anything is sampled. */

import { chainOf } from "../chain/chain-of.ts";
import { answerIn } from "../chain/detection.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Prompt, Sample } from "../records.ts";
import type { RewardInput } from "../rewards/define.ts";
import { wantedCount } from "../rewards/grounding.ts";

/** Most boxes that an answer has. */
const MOST_BOXES = 50;

/** Of no use: nothing at all, no form, form without a true answer. */
const BAD = ["", "I cannot tell. ".repeat(8), "<answer>\nnothing"];

/** A perfect answer to a sample, and three bad ones. */
export function writtenAnswers(processor: Processor, sample: Sample, prompt: Prompt): RewardInput[] {
  return [perfectAnswer(processor, sample, prompt), ...BAD].map((text) => ({
    sample,
    chain: chainOf(processor, prompt, text),
    completion: { text, ids: [...processor.tokenizer.encode(text), ...processor.endIds.slice(0, 1)] },
  }));
}

/** In full form, the gold answer at its end, with one sound box, or as many as a counting sample asks for. */
function perfectAnswer({ boxSpace }: Processor, sample: Sample, prompt: Prompt): string {
  const { frame } = prompt.images[0]!;
  const { frameWidth, frameHeight, imageWidth, imageHeight } = frame;
  const sizes = { frame: [frameWidth, frameHeight], image: [imageWidth, imageHeight], permille: [1000, 1000] } as const;
  const [width, height] = sizes[boxSpace];
  const count = Math.min(wantedCount(sample) ?? 1, MOST_BOXES);
  const side = (i: number) => Math.floor((i * width) / count);
  const boxes = Array.from(
    { length: count },
    (_, i) => `{"bbox_2d": [${side(i)}, 0, ${side(i + 1)}, ${Math.floor(height / 2)}], "label": "object ${i + 1}"}`,
  );
  return `<think>\n${boxes.join("\n")}\n</think>\n<rethink>\nWhat is in these places answers the question.\n</rethink>\n<answer>\n${answerIn(boxSpace, sample, frame)}`;
}
