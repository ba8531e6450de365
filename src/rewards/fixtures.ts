/** @file Rollouts for tests of rewards and metrics. */

import { parseChain } from "../chain/parse.ts";
import { taskOf } from "../data/samples.ts";
import type { Frame, Sample, Space } from "../records.ts";
import type { RewardInput } from "./define.ts";

export const plainFrame: Frame = { imageWidth: 640, imageHeight: 480, frameWidth: 640, frameHeight: 480 };

/** A counting sample about a 640 x 480 image, unless told otherwise. */
export function makeSample(fields: Partial<Sample> = {}): Sample {
  return {
    id: "s1",
    image: "1.png",
    question: "How many cats are there?",
    answer: "2",
    boxes: [],
    width: 640,
    height: 480,
    dataset: "tallyqa",
    split: "train",
    task: taskOf(fields.dataset ?? "tallyqa"),
    ...fields,
  };
}

/** The text as a rollout of the sample, with forty different token ids unless others are given. */
export function makeRollout(
  text: string,
  sample: Partial<Sample> = {},
  { ids = Array.from({ length: 40 }, (_, i) => i), space = "frame" as Space, frame = plainFrame } = {},
): RewardInput {
  return { sample: makeSample(sample), chain: parseChain(text, { space, frame }), completion: { text, ids } };
}

/** A chain in perfect form whose think block names these boxes. */
export function chainOf(boxes: readonly string[], answer: string): string {
  return `<think> I see ${boxes.join(" and ")} here. </think>\n<rethink> That settles it. </rethink>\n<answer>\n${answer}`;
}
