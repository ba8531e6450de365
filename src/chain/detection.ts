/**
 * @file Detection samples, which ask where something is: their answer is a box, in pixels of the stored image as data files have it,
 * and in a model's own numbers as it writes one. So it is compared as a box, never as text.
 */
import { box, iou, toSpace } from "../boxes.ts";
import type { Box, Chain, Frame, PlacedBox, Sample, Space } from "../records.ts";
import { findQuadruples } from "./parse.ts";

/**
 * The boxes to find: in detection samples those the answer spells out, if it does and they are not the sample's own, rounded; else
 * the sample's own.
 */
export function trueBoxes(sample: Sample): readonly Box<"image">[] {
  const spelled = sample.task === "detect" ? findQuadruples(sample.answer).map(({ numbers }) => numbers) : [];
  const rounded = sample.boxes.map(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2].map(Math.round));
  if (spelled.length === 0 || spelled.join() === rounded.join()) return sample.boxes;
  return spelled.map((numbers) => box("image", ...(numbers as [number, number, number, number])));
}

/** The boxes that a chain answers with: a chain that also shows where it looked has not answered twice. */
export function answeredBoxes(chain: Chain): PlacedBox[] {
  const answerAt = chain.answer === undefined ? chain.text.length : chain.text.indexOf("<answer>");
  return chain.boxes.filter(({ start }) => start >= answerAt);
}

/** From this IoU on a box counts as found: Acc@0.5 of referring-expression benchmarks. */
const FOUND = 0.5;

/** Whether a chain answers a detection sample with its box, and with no other. Undefined without a true box; of several the first is meant. */
export function isFound(sample: Sample, chain: Chain): boolean | undefined {
  const [truth] = trueBoxes(sample);
  if (!truth) return undefined;
  const [answer, ...more] = answeredBoxes(chain);
  return answer !== undefined && more.length === 0 && iou(answer.box, truth) >= FOUND;
}

/** A sample's answer as a model would write it: the boxes of a detection sample in the model's space, whole numbers. */
export function answerIn(space: Space, sample: Sample, frame: Frame): string {
  if (sample.task !== "detect") return sample.answer;
  return trueBoxes(sample)
    .map((truth) => {
      const { x1, y1, x2, y2 } = toSpace(truth, space, frame);
      return `[${[x1, y1, x2, y2].map(Math.round).join(", ")}]`;
    })
    .join(", ");
}
