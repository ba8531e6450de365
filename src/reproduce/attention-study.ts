/** @file Figure 5: how much the rethink attends to the image after a thought with its boxes, and after the same thought without them. */

import { chainOf } from "../chain/chain-of.ts";
import { bootstrapSeeds } from "../evaluation/over-seeds.ts";
import { attentionSummary, type RethinkAttention, rethinkAttention } from "../probes/attention-share.ts";
import { METHODS } from "../prompt/methods.ts";
import { attentionChart } from "../report/attention-figure.ts";
import type { Answered } from "../run/lines.ts";
import { chunks, mean } from "../util/arrays.ts";
import { UserError } from "../util/errors.ts";
import { grit } from "./arms.ts";
import { signOf } from "./numbers.ts";
import type { Runs, Study } from "./study.ts";

/** The paper's: test items of GQA, and so many tokens of each rethink. */
const SET = "gqa";
const TOKENS = 50;
/** Chains observed together. */
const BATCH = 16;

interface Row extends RethinkAttention {
  readonly id: string;
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
    const shared = rows[0]!
      .filter(({ id }) => rows.every((own) => own.some((row) => row.id === id)))
      .map(({ id }) => id);
    if (shared.length === 0) {
      throw new UserError(
        "No chain has a box before its rethink in every seed.",
        "Look at the answers: was the model trained?",
      );
    }
    const share = (layers: readonly (readonly number[])[]) => mean(layers.map(mean));
    const of = (read: (row: Row) => number) =>
      bootstrapSeeds(rows.map((own) => shared.map((id) => read(own.find((row) => row.id === id)!))));
    const gain = of(({ withBoxes, withoutBoxes }) => share(withBoxes) - share(withoutBoxes));
    const [having, lacking] = [of((row) => share(row.withBoxes)), of((row) => share(row.withoutBoxes))];
    const summary = attentionSummary(rows.flat());
    return {
      columns: [{ name: "attention on the image", form: "percent" }],
      arms: [
        { name: "with boxes", seeds: seeds.length, numbers: [having] },
        { name: "boxes removed", seeds: seeds.length, numbers: [lacking] },
      ],
      paper: [],
      gains: [{ column: "attention on the image", from: "boxes removed", to: "with boxes", gain }],
      direction:
        signOf(gain) === 1
          ? {
              agrees: true,
              sentence: "As in the paper, a rethink attends more to the image after a thought with boxes.",
            }
          : {
              agrees: false,
              sentence: `Unlike in the paper, a rethink attends ${signOf(gain) === 0 ? "no more" : "less"} to the image after a thought with boxes.`,
            },
      notes: [
        `Of ${SET}, the ${shared.length} chains of the first ${runs.scale.probed} that have a box before their rethink in every seed; up to ${TOKENS} tokens of each rethink, mean over tokens, layers and heads.`,
        "The paper gives its figure without numbers: the curve with boxes is generally higher.",
      ],
      figure: attentionChart(summary.withBoxes, summary.withoutBoxes, rows.flat().length),
    };
  },
};

/** Both rethinks of each chain that has a box before its own. */
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
      const observed = await rethinkAttention(engine, chains, options);
      rows.push(...observed.flatMap((each, i) => (each ? [{ id: batch[i]!.id, ...each }] : [])));
    }
    return rows;
  });
}
