/** @file Given completions of a file, scored and explained term by term. */
import { z } from "zod";
import { box } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import { type FoundBox, type GivenCompletion, givenCompletion } from "../data/given-completion.ts";
import { jsonLines, LineNames, valid } from "../data/jsonl.ts";
import { judgingFields, judgingOf, taskOf } from "../data/samples.ts";
import { type Chain, type Frame, isScored, type PlacedBox, type Score, type Scores } from "../records.ts";
import { type Reward, type RewardInput, scoreAll } from "../rewards/define.ts";
import { Faults } from "../util/faults.ts";

const text = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "is not a string") });
const pixels = z.number("is not a number").positive("is not positive");

/** What a line must hold. Image and boxes may stand in it, but no reward looks at them. */
const lineSchema = z.object(
  {
    id: text.optional(),
    question: text,
    answer: text,
    dataset: text,
    split: text.default(""),
    width: pixels.optional(),
    height: pixels.optional(),
    frame: z.tuple([pixels, pixels], "is not [width, height]").optional(),
    ...judgingFields,
  },
  "is not a JSON object",
);
type Line = z.infer<typeof lineSchema>;

/** What is known of one completion. A term that cannot be scored is null, as then is the total; `reasons` says why by name. */
export interface RewardedRow {
  readonly id: string;
  readonly terms: Readonly<Record<string, number | null>>;
  readonly total: number | null;
  readonly reasons?: Readonly<Record<string, string>>;
}

/** Scores every completion by some rewards. @throws Interrupted when a judge's service stays out */
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
export async function readRollouts(file: string): Promise<RewardInput[]> {
  const faults = new Faults();
  const rollouts: RewardInput[] = [];
  const namer = new LineNames();
  for await (const row of jsonLines(file, faults)) {
    const { json, line, where } = row;
    const data = valid(lineSchema, row, faults)?.data;
    const said = typeof json === "object" && json !== null ? valid(givenCompletion, row, faults)?.data : undefined;
    if (said && said.text === undefined) faults.add(`${where}: completion`, "is missing");
    if (!data || said?.text === undefined) continue;
    const chain = chainIn(data, said, said.text);
    if (said.boxes && said.boxes.length !== chain.boxes.length)
      faults.add(`${where}: boxes`, `are ${said.boxes.length}, but the text has ${chain.boxes.length}`);
    if ((data.width === undefined) !== (data.height === undefined))
      faults.add(where, "width and height belong together");
    if (data.frame && data.width === undefined) faults.add(`${where}: frame`, "needs width and height of the image");
    const name = data.id ?? `${data.dataset}-${line}`;
    const id = namer.name(json, name, line);
    rollouts.push(toRollout(data, typeof id === "string" ? id : name, chain, said.ids));
  }
  faults.throwIfAny(file, "Fix what is named above and run the command again; nothing was written.");
  return rollouts;
}

/** Of an image of unknown size no box can be said to leave it. */
const UNKNOWN = Number.POSITIVE_INFINITY;

/** The chain of a line's completion; boxes that its writer has brought to the image are taken as they are there. */
function chainIn(line: Line, { boxes }: GivenCompletion, completion: string): Chain {
  const { width = UNKNOWN, height = UNKNOWN } = line;
  const [frameWidth, frameHeight] = line.frame ?? [width, height];
  const frame: Frame = { imageWidth: width, imageHeight: height, frameWidth, frameHeight };
  const chain = parseChain(completion, { space: "frame", frame });
  if (!boxes) return chain;
  return { ...chain, boxes: chain.boxes.map((each, i) => (boxes[i] ? placed(each, boxes[i], width, height) : each)) };
}

/** A box with its place in the image. The numbers in the text may be those of a resized image, or thousandths. */
function placed(from: PlacedBox, { box: [x1, y1, x2, y2], outOfBounds }: FoundBox, width: number, height: number) {
  const beyond = Math.max(x1, x2) > width * SLACK || Math.max(y1, y2) > height * SLACK;
  return { ...from, box: box("image", x1, y1, x2, y2), outOfBounds: outOfBounds ?? beyond };
}

/** What a box's way to the image and into a file may add to it by rounding. */
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
