/** @file Steps and batch: checkpoints along one run of large batches and one of small ones, and small batches that see as many prompts. */
import { grit, smallBatch, untrained } from "./arms.ts";
import { signOf } from "./numbers.ts";
import { STEPS } from "./published-studies.ts";
import { type Scale, SMALL_BATCH } from "./scale.ts";
import type { Study } from "./study.ts";
import { MEAN_ACC, PAPER_COLUMNS, published, Tabulated } from "./tabulate.ts";

const COLUMNS = [...PAPER_COLUMNS, MEAN_ACC];
/** Columns of accuracy among the paper's nine. */
const ACCS = [0, 2, 4, 6, 7];

export const steps: Study = {
  name: "steps",
  title: "Steps and batch: accuracy and grounding IoU along training",
  families: ["qwen"],
  arms: (scale) => [
    untrained(scale).cot,
    ...scale.along.large.map((step) => grit(scale, step)),
    ...[...scale.along.small, scale.along.long].map((step) => smallBatch(scale, step)),
  ],
  run: async (runs) => {
    const { scale } = runs;
    const table = await Tabulated.of(runs, steps.arms(scale), COLUMNS);
    const [first, , third, last] = scale.along.large.map((step) => grit(scale, step).name) as [
      string,
      string,
      string,
      string,
    ];
    const [early, late, long] = [scale.along.small[0]!, scale.along.small.at(-1)!, scale.along.long].map(
      (step) => smallBatch(scale, step).name,
    ) as [string, string, string];
    const gain = (from: string, to: string) => table.gain(MEAN_ACC, from, to);
    const start = gain(untrained(scale).cot.name, first);
    const [jump, plateau] = [gain(first, third), gain(third, last)];
    const [behind, caught] = [gain(late, last), gain(late, long)];
    return {
      columns: table.columns,
      // Before training the same prompt is that of cot.
      arms: table.arms.map((arm, i) => ({ ...arm, name: i === 0 ? "no steps" : rowName(scale, arm.name) })),
      paper: STEPS.map(({ name, numbers }) => {
        const mean = ACCS.reduce((sum, i) => sum + numbers[i]!, 0) / ACCS.length;
        return { name: `${name} (paper)`, numbers: published(COLUMNS, [...numbers, mean]) };
      }),
      gains: [start, jump, plateau, behind, caught, gain(early, late)],
      direction: directionOf({
        jumps: signOf(jump.gain) === 1,
        flattens: Math.abs(plateau.gain.mean) < jump.gain.mean / 2,
        isBehind: signOf(behind.gain) === 1,
        catchesUp: signOf(caught.gain) === 1,
      }),
      notes: [],
    };
  },
};

/** An arm by its completions a step and its step. */
function rowName({ recipe, along }: Scale, arm: string): string {
  const step = /step-(\d+)$/.exec(arm)?.[1];
  const small = arm.startsWith("small");
  const completions = (small ? SMALL_BATCH : recipe.prompts_per_step) * recipe.group_size;
  const end = arm === "small-long" ? along.long : (small ? along.small : along.large).at(-1);
  return `batch ${completions}, ${step ?? end} steps`;
}

/** The four things that the reviewers' table shows. */
interface Shown {
  readonly jumps: boolean;
  readonly flattens: boolean;
  readonly isBehind: boolean;
  readonly catchesUp: boolean;
}

function directionOf({ jumps, flattens, isBehind, catchesUp }: Shown) {
  const parts = [
    [jumps, "mean accuracy jumps between the first checkpoint and the third"],
    [flattens, "it moves less than half as much after that"],
    [isBehind, "small batches are behind after as many steps"],
    [catchesUp, "they gain by more steps"],
  ] as const;
  const [held, failed] = [true, false].map((is) => parts.filter(([holds]) => holds === is).map(([, says]) => says));
  const agrees = failed!.length === 0;
  const sentence =
    held!.length === 0
      ? `Unlike in the paper, none of this is clear: ${failed!.join(", ")}.`
      : `As in the paper: ${held!.join(", ")}${agrees ? "" : `; not clearly so: ${failed!.join(", ")}`}.`;
  return { agrees, sentence };
}
