/** @file Scores the completions in a file and explains them term by term. */
import { z } from "zod";
import { box } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import { answeredFields, anyText, readAnswered } from "../data/answered-lines.ts";
import { type FoundBox, givenCompletion } from "../data/given-completion.ts";
import { judgingOf, taskOf } from "../data/samples.ts";
import { type Chain, type Frame, isScored, type PlacedBox, type Score, type Scores } from "../records.ts";
import { type Reward, type RewardInput, scoreAll } from "../rewards/define.ts";

const pixels = z.number("is not a number").positive("is not positive");

/** What a line must hold. Image and boxes may stand in it, but no reward looks at them. */
const lineSchema = z.object(
  {
    ...answeredFields,
    dataset: anyText,
    split: anyText.default(""),
    width: pixels.optional(),
    height: pixels.optional(),
    frame: z.tuple([pixels, pixels], "is not [width, height]").optional(),
  },
  "is not a JSON object",
);
type Line = z.infer<typeof lineSchema>;

/** A completion must be given as text. */
const completion = givenCompletion.transform((said, context) => {
  const { text } = said;
  if (text !== undefined) return { ...said, text };
  context.addIssue({ code: "custom", path: ["completion"], message: "is missing" });
  return z.NEVER;
});
type Said = z.infer<typeof completion>;

const format = {
  fields: lineSchema,
  completion,
  unnamed: ({ dataset }: Line, line: number) => `${dataset}-${line}`,
};

/** The scores of one completion. A term that cannot be scored is null, as then is the total; `reasons` says why by name. */
export interface RewardedRow {
  readonly id: string;
  readonly terms: Readonly<Record<string, number | null>>;
  readonly total: number | null;
  readonly reasons?: Readonly<Record<string, string>>;
}

/** Scores every completion by some rewards. @throws Interrupted when a judge's service stays down */
export async function explainRewards(
  rollouts: readonly RewardInput[],
  rewards: readonly Reward[],
  onProgress?: (done: number) => void,
): Promise<RewardedRow[]> {
  let done = 0;
  return await Promise.all(
    rollouts.map(async (rollout) => {
      const row = toRow(rollout.sample.id, await scoreAll(rewards, rollout));
      onProgress?.(++done);
      return row;
    }),
  );
}

function toRow(id: string, { terms, total }: Scores): RewardedRow {
  const orNull = (score: Score) => (isScored(score) ? score : null);
  const reasons = Object.entries(terms).flatMap(([name, score]) => (isScored(score) ? [] : [[name, score.unscored]]));
  return {
    id,
    terms: Object.fromEntries(Object.entries(terms).map(([name, score]) => [name, orNull(score)])),
    total: orNull(total),
    ...(reasons.length > 0 && { reasons: Object.fromEntries(reasons) }),
  };
}

/** The lines of a file as rollouts. @throws UserError naming every fault of every line */
export function readRollouts(file: string): Promise<RewardInput[]> {
  return readAnswered(file, format, ({ id, data, said, where }, faults) => {
    const chain = chainIn(data, said);
    if (said.boxes && said.boxes.length !== chain.boxes.length)
      faults.add(`${where}: boxes`, `are ${said.boxes.length}, but the text has ${chain.boxes.length}`);
    if ((data.width === undefined) !== (data.height === undefined))
      faults.add(where, "width and height belong together");
    if (data.frame && data.width === undefined) faults.add(`${where}: frame`, "needs width and height of the image");
    return toRollout(data, id, chain, said.ids);
  });
}

/** An image of unknown size: no box leaves it. */
const UNKNOWN = Number.POSITIVE_INFINITY;

/** The chain of a line's completion; boxes that the line already has in image pixels are used as they are. */
function chainIn(line: Line, { text, boxes }: Said): Chain {
  const { width = UNKNOWN, height = UNKNOWN } = line;
  const [frameWidth, frameHeight] = line.frame ?? [width, height];
  const frame: Frame = { imageWidth: width, imageHeight: height, frameWidth, frameHeight };
  const chain = parseChain(text, { space: "frame", frame });
  if (!boxes) return chain;
  return { ...chain, boxes: chain.boxes.map((each, i) => (boxes[i] ? placed(each, boxes[i], width, height) : each)) };
}

/** A box with its place in the image. The numbers in the text may be those of a resized image, or thousandths. */
function placed(from: PlacedBox, { box: [x1, y1, x2, y2], outOfBounds }: FoundBox, width: number, height: number) {
  const beyond = Math.max(x1, x2) > width * SLACK || Math.max(y1, y2) > height * SLACK;
  return { ...from, box: box("image", x1, y1, x2, y2), outOfBounds: outOfBounds ?? beyond };
}

/** Rounding error of a box that was converted to image pixels and written to a file. */
const SLACK = 1 + 1e-9;

function toRollout(line: Line, id: string, chain: Chain, ids: readonly number[] | undefined): RewardInput {
  const { question, answer, dataset, split, width = UNKNOWN, height = UNKNOWN } = line;
  const task = taskOf(dataset);
  return {
    sample: { id, image: "", question, answer, boxes: [], width, height, dataset, task, split, ...judgingOf(line) },
    chain,
    completion: { text: chain.text, ids },
  };
}
