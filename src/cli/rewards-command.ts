/** @file `grit rewards`: explains the score of given completions, term by term. */

import { Command } from "commander";
import { z } from "zod";
import { parseChain } from "../chain/parse.ts";
import { jsonLines, valid } from "../data/jsonl.ts";
import { judgingFields, judgingOf, taskOf } from "../data/samples.ts";
import { openJudge } from "../judge/open.ts";
import { type Frame, isScored, type Score, type Scores } from "../records.ts";
import { type Reward, type RewardInput, scoreAll } from "../rewards/define.ts";
import { presetName, presetNames, rewardPreset } from "../rewards/preset.ts";
import { Faults } from "../util/faults.ts";
import { addJudgeOption, judgeSettings } from "./judge-option.ts";
import { checkOut, writeRows } from "./model-lines.ts";

const text = z.string({ error: ({ input }) => (input === undefined ? "is missing" : "is not a string") });
const pixels = z.number("is not a number").positive("is not positive");
const tokenId = z.int("is not an integer").nonnegative("is negative");

/** What a line must hold. Image and boxes may stand in it, but no reward looks at them. */
const lineSchema = z.object(
  {
    id: text.optional(),
    question: text,
    answer: text,
    dataset: text,
    split: text.default(""),
    completion: text,
    completion_ids: z.array(tokenId, "is not a list of token ids").optional(),
    width: pixels.optional(),
    height: pixels.optional(),
    frame: z.tuple([pixels, pixels], "is not [width, height]").optional(),
    ...judgingFields,
  },
  "is not a JSON object",
);
type Line = z.infer<typeof lineSchema>;

/**
 * The command `rewards`. Each line gives `{id, terms, total}`; a term that cannot be scored is null, so is then the total,
 * and `reasons` says why by name.
 */
export function rewardsCommand(): Command {
  const command = new Command("rewards")
    .description("explain the score of given completions, term by term")
    .requiredOption(
      "--data <file>",
      "JSON lines: question, answer, dataset, completion; completion_ids for the repetition term; width and height of " +
        "the image, and frame [w, h] where the boxes are in a resized image's pixels ([1000, 1000] for 0-1000 boxes); " +
        "choices and answer_type for the judge",
    )
    .requiredOption("--out <file>", "JSON lines to write: id, terms, total")
    .option("--preset <name>", `rewards to explain: ${presetNames.join(" or ")}`, "code")
    .action(async (options: { data: string; out: string; preset: string; judge: string }) => {
      const preset = presetName(options.preset);
      const settings = await judgeSettings(options.judge);
      checkOut(options.out, options.data);
      const rollouts = await readRollouts(options.data);
      const rows = await explain(rollouts, rewardPreset(preset, await openJudge(settings)));
      writeRows(options.out, rows);
      const open = rows.filter((row) => row.total === null).length;
      console.log(
        `${rows.length} completions scored into ${options.out}${open > 0 ? `; ${open} without a total` : ""}`,
      );
    });
  return addJudgeOption(command);
}

/** What is written for one line. */
interface Row {
  readonly id: string;
  readonly terms: Readonly<Record<string, number | null>>;
  readonly total: number | null;
  readonly reasons?: Readonly<Record<string, string>>;
}

function explain(rollouts: readonly RewardInput[], rewards: readonly Reward[]): Promise<Row[]> {
  return Promise.all(rollouts.map(async (rollout) => toRow(rollout.sample.id, await scoreAll(rewards, rollout))));
}

function toRow(id: string, { terms, total }: Scores): Row {
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
async function readRollouts(file: string): Promise<RewardInput[]> {
  const faults = new Faults();
  const rollouts: RewardInput[] = [];
  for await (const row of jsonLines(file, faults)) {
    const { line, where } = row;
    const data = valid(lineSchema, row, faults)?.data;
    if (!data) continue;
    if ((data.width === undefined) !== (data.height === undefined))
      faults.add(where, "width and height belong together");
    if (data.frame && data.width === undefined) faults.add(`${where}: frame`, "needs width and height of the image");
    rollouts.push(toRollout(data, line));
  }
  faults.throwIfAny(file, "Mend what is named and run the command again; nothing was written.");
  return rollouts;
}

function toRollout(line: Line, number: number): RewardInput {
  // Of an image of unknown size no box can be said to leave it.
  const { width = Number.POSITIVE_INFINITY, height = Number.POSITIVE_INFINITY } = line;
  const [frameWidth, frameHeight] = line.frame ?? [width, height];
  const frame: Frame = { imageWidth: width, imageHeight: height, frameWidth, frameHeight };
  const { question, answer, dataset, split, completion } = line;
  const id = line.id ?? `${dataset}-${number}`;
  return {
    sample: {
      id,
      image: "",
      question,
      answer,
      boxes: [],
      width,
      height,
      dataset,
      task: taskOf(dataset),
      split,
      ...judgingOf(line),
    },
    chain: parseChain(completion, { space: "frame", frame }),
    completion: { text: completion, ids: line.completion_ids },
  };
}
