/**
 * @file What is measured on one evaluated sample: whether the answer is right, and how well the boxes fit. Boxes are
 * compared in pixels of the stored image; all that the model wrote count, in think, rethink and answer.
 */

import { box, boxF1, iou, unionIoU } from "../boxes.ts";
import { answeredBoxes, trueBoxes } from "../chain/detection.ts";
import { type Judge, type Rater, requestOf } from "../judge/judge.ts";
import type { Box, Chain, PlacedBox, Sample, Score } from "../records.ts";
import { choiceAccuracy } from "./choices.ts";
import { type YesNoAnswer, yesNoAnswer } from "./yes-no.ts";

/** What is judged: the text after `<answer>` (none is wrong), or the whole response, as for a bare question. */
export type AnswerPart = "answer" | "whole";

/** The metrics of one sample. Box metrics are undefined where there are no true boxes to compare with. */
export interface SampleMetrics {
  /** Judge's score, not made binary; in detection samples the detection score. Undefined where answers are rated. */
  readonly acc: Score | undefined;
  /** MMHal-Bench's rating, 0 to 6; undefined where answers are scored. */
  readonly rating: Score | undefined;
  /** The answer to a yes/no question; undefined for other questions. */
  readonly yesNo: YesNoAnswer | undefined;
  /** Letter accuracy of a multiple-choice question, 0 or 1; undefined for other questions. */
  readonly choice: number | undefined;
  /** Grounding IoU of the unions, boxes brought to the image by the recorded resize. */
  readonly giou: number | undefined;
  /** Grounding IoU as the original script computed it, kept to compare with published numbers: see `groundingIoU`. */
  readonly giouRaw: number | undefined;
  /** F1 of the distinct boxes at IoU 0.5. */
  readonly f1: number | undefined;
  /** IoU of the one box that a detection sample asks for with the one answered; undefined for other samples. */
  readonly answerIoU: number | undefined;
  readonly boxes: number;
  readonly duplicateBoxes: number;
  readonly degenerateBoxes: number;
  readonly outOfBoundsBoxes: number;
}

const NO_TRUE_BOX = { unscored: "a detection sample without a true box" };

/** All metrics of one evaluated sample. */
export async function measure(
  sample: Sample,
  chain: Chain,
  judge: Judge | Rater,
  part: AnswerPart,
): Promise<SampleMetrics> {
  const count = (flaw: "duplicate" | "degenerate" | "outOfBounds") => chain.boxes.filter((b) => b[flaw]).length;
  const response = responseOf(chain, part);
  const rates = "rate" in judge;
  return {
    acc: rates ? undefined : await accuracy(sample, chain, judge, part),
    rating: rates ? await ratingOf(sample, response, judge) : undefined,
    yesNo: yesNoAnswer(sample, response),
    choice: choiceAccuracy(sample, response),
    giou: groundingIoU(sample, chain, "rescaled"),
    giouRaw: groundingIoU(sample, chain, "raw"),
    f1: boxSetF1(sample, chain),
    answerIoU: answerIoU(sample, chain, part),
    boxes: chain.boxes.length,
    duplicateBoxes: count("duplicate"),
    degenerateBoxes: count("degenerate"),
    outOfBoundsBoxes: count("outOfBounds"),
  };
}

/**
 * ACC of one sample, in [0, 1] (paper, section 4.1). Detection samples, whose answer is a box, are not judged as text but
 * by the `detectionScore` of the judged part's boxes (the original script takes those of the whole chain in every case).
 */
export async function accuracy(sample: Sample, chain: Chain, judge: Judge, part: AnswerPart): Promise<Score> {
  const response = responseOf(chain, part);
  if (sample.task === "detect") {
    return detectionScore(sample, judgedBoxes(chain, part)) ?? NO_TRUE_BOX;
  }
  if (response === undefined) return 0;
  return await judge.judge(requestOf(sample, response));
}

/** The rating of a response. One that is missing is rated as an empty one: it says nothing, and makes nothing up. */
function ratingOf({ question, answer, keyWords }: Sample, response: string | undefined, rater: Rater): Promise<Score> {
  return rater.rate({ question, answer, response: response ?? "", imageContents: keyWords ?? [] });
}

/** What a sample's own answer scores: 1 in sound data. A detection sample has to have exactly one true box. */
export async function goldScore(sample: Sample, judge: Judge): Promise<Score> {
  if (sample.task !== "detect") return await judge.judge(requestOf(sample, sample.answer));
  const gold = trueBoxes(sample).map((box) => ({ box }));
  return detectionScore(sample, gold) ?? NO_TRUE_BOX;
}

/**
 * Grounding IoU (the paper's GIoU): area(∪pred ∩ ∪truth) / area(∪pred ∪ ∪truth). Without true boxes undefined, without
 * predicted ones 0. `rescaled` compares in image pixels. `raw` is the original script's way: boxes in the resized frame's
 * pixels are compared as they stand, and 0-1000 boxes are scaled and cut to integers.
 */
export function groundingIoU(sample: Sample, chain: Chain, as: "rescaled" | "raw"): number | undefined {
  const truth = trueBoxes(sample);
  if (truth.length === 0) return undefined;
  return unionIoU(chain.boxes.map(as === "rescaled" ? (placed) => placed.box : rawBox), truth);
}

/**
 * F1 of the distinct predicted boxes against the true ones at an IoU threshold; undefined without truth. Boxes are matched one
 * to one, and so that the most pairs come about: a greedy pass in the order of the text can spend a true box on a prediction
 * that would also have fitted another, and its result would then depend on that order.
 */
export function boxSetF1(sample: Sample, chain: Chain, threshold = 0.5): number | undefined {
  const truth = trueBoxes(sample);
  if (truth.length === 0) return undefined;
  const distinct = new Map(chain.boxes.map(({ box }) => [`${box.x1} ${box.y1} ${box.x2} ${box.y2}`, box]));
  return boxF1([...distinct.values()], truth, threshold);
}

/**
 * The original script's accuracy for OVDEval: over the IoU thresholds 0.50, 0.55 … 0.95, the mean of 1/(number of predicted
 * boxes) where any of them reaches the true box, else 0. Undefined without a true box; of several the first is meant.
 */
export function detectionScore(sample: Sample, boxes: readonly Pick<PlacedBox, "box">[]): number | undefined {
  const [truth] = trueBoxes(sample);
  if (!truth) return undefined;
  const best = Math.max(0, ...boxes.map((placed) => iou(placed.box, truth)));
  const reached = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100).filter((threshold) => best >= threshold);
  return reached.length === 0 ? 0 : reached.length / 10 / boxes.length;
}

/**
 * How well a referring expression is grounded: the IoU of the true box with the first box of the judged part, 0 without one.
 * Acc@0.5 is the share of samples in which it reaches 0.5, as RefCOCO is measured; that the first box counts keeps a list of guesses
 * from being an answer. Undefined but for detection samples with one true box.
 */
export function answerIoU(sample: Sample, chain: Chain, part: AnswerPart): number | undefined {
  const truth = trueBoxes(sample);
  if (sample.task !== "detect" || truth.length !== 1) return undefined;
  const [answered] = judgedBoxes(chain, part);
  return answered ? iou(answered.box, truth[0]!) : 0;
}

function judgedBoxes(chain: Chain, part: AnswerPart): readonly PlacedBox[] {
  return part === "whole" ? chain.boxes : answeredBoxes(chain);
}

/** What is judged of a chain; undefined when it is the answer and there is none. */
export function responseOf(chain: Chain, part: AnswerPart): string | undefined {
  return part === "whole" ? chain.text : chain.answer;
}

function rawBox({ written, box: placed }: PlacedBox): Box<"image"> {
  if (written.space !== "permille") return box("image", written.x1, written.y1, written.x2, written.y2);
  return box("image", Math.trunc(placed.x1), Math.trunc(placed.y1), Math.trunc(placed.x2), Math.trunc(placed.y2));
}
