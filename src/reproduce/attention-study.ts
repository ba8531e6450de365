/**
 * @file Figure 5: how much the rethink attends to the image after a thought with its boxes, and after the same thought without them.
 * Beside the paper's two, what else may stand where the boxes stood tells why.
 */

import { chainOf } from "../chain/chain-of.ts";
import { bootstrapSeeds } from "../evaluation/over-seeds.ts";
import { attentionSummary, type Looks, rethinkAttention, type TokenAttention } from "../probes/attention-share.ts";
import { boxesRemoved, fullStops, othersBoxes, withBoxes } from "../probes/boxed-thought.ts";
import { METHODS } from "../prompt/methods.ts";
import { attentionChart } from "../report/attention-figure.ts";
import { percent } from "../report/number-format.ts";
import type { Answered } from "../run/lines.ts";
import { chunks, mean } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import { grit } from "./arms.ts";
import { signOf } from "./numbers.ts";
import type { Gain, Runs, Study } from "./study.ts";

/** The paper's: test items of GQA, and so many tokens of each rethink. */
const SET = "gqa";
const TOKENS = 50;
/** Chains observed together. */
const BATCH = 16;

/** What a rethink follows: the paper's two first. */
const THOUGHTS = {
  "with boxes": withBoxes,
  "boxes removed": boxesRemoved,
  "another picture's boxes": othersBoxes,
  "full stops for boxes": fullStops,
};
type Thought = keyof typeof THOUGHTS;

const share = (layers: TokenAttention) => mean(layers.map(mean));

/** What is measured of a rethink. */
const MEASURES: Readonly<Record<string, (looks: Looks) => number>> = {
  "on the image": ({ image }) => share(image),
  "on the boxes": ({ boxes }) => share(boxes),
  "on the image, of the rest": ({ image, boxes }) => share(image) / (1 - share(boxes)),
};
const [ON_IMAGE, , OF_THE_REST] = Object.keys(MEASURES) as [string, string, string];

interface Row {
  readonly id: string;
  readonly looks: Readonly<Record<Thought, Looks>>;
}

export const attention: Study = {
  name: "attention",
  title: "Figure 5: attention to the image while rethinking, with the thought's boxes and without them",
  families: ["qwen"],
  arms: (scale) => [grit(scale)],
  run: async (runs) => {
    const arm = grit(runs.scale);
    const evaluations = await runs.answers(arm);
    const seeds = runs.seedsOf(arm);
    const rows: Row[][] = [];
    for (const [i, seed] of seeds.entries()) {
      const answered = evaluations[i]!.samples.filter(({ set }) => set === SET).slice(0, runs.scale.probed);
      rows.push(await runs.probed(`attention-seed-${seed}`, () => observe(runs, seed, answered)));
    }
    const shared = sharedBy(rows);
    /** Of every thought a measure, by seed and chain. */
    const values = (thought: Thought, measure: string) =>
      shared.map((own) => own.map(({ looks }) => MEASURES[measure]!(looks[thought])));
    const gain = (from: Thought, measure: string): Gain => {
      const [before, after] = [values(from, measure), values("with boxes", measure)];
      const differences = after.map((own, s) => own.map((value, i) => value - before[s]![i]!));
      return { column: measure, from, to: "with boxes", gain: bootstrapSeeds(differences) };
    };
    const names = Object.keys(THOUGHTS) as Thought[];
    const gains = names.slice(1).flatMap((from) => [gain(from, ON_IMAGE), gain(from, OF_THE_REST)]);
    const curves = attentionSummary(
      rows.flat().map(({ looks }) => ({
        withBoxes: looks["with boxes"].image,
        withoutBoxes: looks["boxes removed"].image,
      })),
    );
    return {
      columns: Object.keys(MEASURES).map((name) => ({ name, form: "percent" })),
      arms: names.map((name) => ({
        name,
        seeds: seeds.length,
        numbers: Object.keys(MEASURES).map((measure) => bootstrapSeeds(values(name, measure))),
      })),
      paper: [],
      gains,
      direction: directionOf(gains[0]!),
      notes: [
        `Of ${SET}, the ${shared[0]!.length} chains of the first ${runs.scale.probed} that have a box before their rethink in every seed; up to ${TOKENS} tokens of each rethink, mean over tokens, layers and heads.`,
        tokensBefore(shared.flat().map(({ looks }) => looks["with boxes"].tokens)),
        "On the boxes: on the tokens that stand where the thought's boxes stood. Of the rest: of the attention that is not on them.",
        "The paper gives its figure without numbers: the curve with boxes is generally higher.",
      ],
      figure: attentionChart(curves.withBoxes, curves.withoutBoxes, rows.flat().length),
    };
  },
};

/** The chains that every seed has, [seed][chain] in one order. @throws UserError where there is none */
function sharedBy(rows: readonly (readonly Row[])[]): Row[][] {
  const shared = rows[0]!.filter(({ id }) => rows.every((own) => own.some((row) => row.id === id)));
  if (shared.length > 0) return rows.map((own) => shared.map(({ id }) => own.find((row) => row.id === id)!));
  throw new UserError(
    "No chain has a box before its rethink in every seed.",
    "Look at the answers: was the model trained?",
  );
}

/** How many tokens a rethink looks back on, after a thought with boxes. */
function tokensBefore(tokens: readonly Looks["tokens"][]): string {
  const [image, boxes, all] = (["image", "boxes", "all"] as const).map((of) => mean(tokens.map((each) => each[of])));
  return `Before a rethink with boxes stand ${all!.toFixed(0)} tokens: ${image!.toFixed(0)} of the image (${percent(image! / all!)} %), ${boxes!.toFixed(0)} of boxes (${percent(boxes! / all!)} %).`;
}

function directionOf({ gain }: Gain) {
  const agrees = signOf(gain) === 1;
  const how = agrees ? "more" : signOf(gain) === 0 ? "no more" : "less";
  const start = agrees ? "As in the paper" : "Unlike in the paper";
  return { agrees, sentence: `${start}, a rethink attends ${how} to the image after a thought with boxes.` };
}

/** The rethinks of each chain that has a box before its own. */
async function observe(runs: Runs, seed: number, answered: readonly Answered[]): Promise<Row[]> {
  const arm = grit(runs.scale);
  const samples = (await runs.sets()).find(({ name }) => name === SET)!.samples;
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  return runs.withModel(await runs.model(arm, seed), undefined, async (engine) => {
    const { processor } = engine;
    const rows: Row[] = [];
    for (const batch of chunks(answered, BATCH)) {
      const chains = await Promise.all(
        batch.map(async ({ id, text }) => {
          const prompt = await processor.prompt(byId.get(id)!, arm.method);
          return { prompt, chain: chainOf(processor, prompt, text) };
        }),
      );
      const options = { stop: METHODS[arm.method].stop, tokens: TOKENS, signal: runs.signal };
      const observed = await rethinkAttention(engine, chains, THOUGHTS, options);
      rows.push(...observed.flatMap((looks, i) => (looks ? [{ id: batch[i]!.id, looks }] : [])));
    }
    return rows;
  });
}
