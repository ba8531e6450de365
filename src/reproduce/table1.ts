/** @file Table 1: five ways of asking, six sets. GRIT against the bare question, the untrained prompt, a worked example and few-shot fine-tuning. */
import { PUBLISHED } from "../tables/published.ts";
import { finetuned, forcedToLook, grit, released, untrained } from "./arms.ts";
import { signOf } from "./numbers.ts";
import type { Family } from "./scale.ts";
import type { Gain, Study } from "./study.ts";
import { MEAN_ACC, MEAN_IOU, PAPER_COLUMNS, published, Tabulated } from "./tabulate.ts";

const MODELS: Readonly<Record<Family, string>> = { qwen: "Qwen2.5-VL-3B", internvl: "InternVL3-2B" };
const COLUMNS = [...PAPER_COLUMNS, MEAN_ACC, MEAN_IOU];

export const table1: Study = {
  name: "table1",
  title: "Table 1: accuracy and grounding IoU of five methods on six sets",
  families: ["qwen", "internvl"],
  arms: (scale) => [
    ...Object.values(untrained(scale)),
    finetuned(scale),
    grit(scale),
    ...released(scale),
    ...forcedToLook(scale),
  ],
  run: async (runs) => {
    const { scale } = runs;
    const table = await Tabulated.of(runs, table1.arms(scale), COLUMNS);
    const gainsOver = (others: readonly string[]) =>
      [MEAN_ACC, MEAN_IOU].flatMap((column) => others.map((other) => table.gain(column, other, "grit")));
    const gains = gainsOver(["direct", "cot", "icl", "sft"]);
    return {
      columns: table.columns,
      arms: table.arms,
      paper: paperRows(scale.family),
      gains: [...gains, ...gainsOver(forcedToLook(scale).map(({ name }) => name))],
      direction: directionOf(gains),
      notes: scale.name === "miniature" ? [MUTE, LOOK] : [],
    };
  },
};

const MUTE =
  "The prompts of icl and sft are words that the tiny bases have never read, so their rows say how a base fails on unknown words, not what the methods are worth.";

const LOOK =
  "look is not among the paper's rows: the untrained base, each of its answers made to begin with boxes. What GRIT has more than that is more than a habit.";

function paperRows(family: Family) {
  return PUBLISHED.filter(({ model }) => model === MODELS[family]).map(({ method, sets }) => {
    const { vsr, tallyqa, gqa, mathvista, mme, ovd } = sets;
    const numbers = [...vsr, ...tallyqa, ...gqa, mathvista[0], mme[0], ovd[1]];
    const mean = (values: readonly (number | null)[]) => values.reduce<number>((sum, v) => sum + v!, 0) / values.length;
    const accs = mean([vsr, tallyqa, gqa, mathvista, mme].map(([acc]) => acc));
    const ious = mean([vsr, tallyqa, gqa, ovd].map(([, iou]) => iou));
    return { name: `${method} (paper)`, numbers: published(COLUMNS, [...numbers, accs, ious]) };
  });
}

function directionOf(gains: readonly Gain[]) {
  const short = gains.filter(({ gain }) => signOf(gain) !== 1);
  if (short.length === 0) {
    return {
      agrees: true,
      sentence: "As in the paper, GRIT is above all four other methods in mean accuracy and in mean IoU.",
    };
  }
  const named = short.map(
    ({ column, from, gain }) => `${from} in ${column}${signOf(gain) < 0 ? ", which is above it" : ""}`,
  );
  return { agrees: false, sentence: `Unlike in the paper, GRIT is not clearly above ${named.join("; ")}.` };
}
