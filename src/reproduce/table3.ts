/** @file Table 3: what counting data and the reward for the right number of boxes are worth, on the sets trained on and on others. */
import { fraction, percent } from "../report/number-format.ts";
import { forcedToLook, grit, withoutCounting, withoutCountReward } from "./arms.ts";
import { countRewardIn } from "./count-reward.ts";
import { type Column, signOf } from "./numbers.ts";
import { TABLE3 } from "./published-studies.ts";
import type { Gain, Runs, Study } from "./study.ts";
import { published, Tabulated } from "./tabulate.ts";

const TRAINED = ["vsr", "tallyqa"];
/** As the paper's numbers are formed: in domain each sample weighs the same, out of domain each set. */
const COLUMNS: readonly Column[] = [
  { name: "IoU in domain", metric: "giou", sets: TRAINED, pooled: true },
  { name: "IoU out of domain", metric: "giou", sets: ["gqa"] },
  { name: "ACC in domain", metric: "acc", sets: TRAINED, pooled: true },
  { name: "ACC out of domain", metric: "acc", sets: ["gqa", "mathvista_mini", "mme"] },
];

export const table3: Study = {
  name: "table3",
  title: "Table 3: with counting data and the reward for it, and without",
  families: ["internvl"],
  arms: (scale) => [grit(scale), withoutCountReward(scale), withoutCounting(scale), ...forcedToLook(scale)],
  run: async (runs) => {
    const table = await Tabulated.of(runs, table3.arms(runs.scale), COLUMNS);
    const gains = COLUMNS.flatMap((column) => [
      table.gain(column, "grit", "no-counting"),
      table.gain(column, "grit", "no-count-reward"),
      ...forcedToLook(runs.scale).map(({ name }) => table.gain(column, name, "grit")),
    ]);
    const counts = await countReward(runs);
    return {
      columns: table.columns,
      arms: table.arms,
      paper: TABLE3.map(({ name, numbers }) => ({ name: `${name} (paper)`, numbers: published(COLUMNS, numbers) })),
      gains,
      direction: directionOf(gains),
      notes: [
        "In domain: vsr and tallyqa, samples weighing the same. Out of domain: IoU of gqa; accuracy of gqa, mathvista_mini and mme, sets weighing the same.",
        ...counts,
      ],
    };
  },
};

/** What the reward for the count adds to the others, in the runs that have it. */
async function countReward(runs: Runs): Promise<string[]> {
  const arm = grit(runs.scale);
  const found: string[] = [];
  for (const seed of runs.seedsOf(arm)) {
    const counts = countRewardIn(await runs.rollouts(arm, seed));
    if (!counts) continue;
    const { chains, boxed, together, correlation } = counts;
    found.push(
      `seed ${seed}: in ${percent(together)} % of the ${boxed} of ${chains} counting chains that have boxes, their number is right exactly where the answer is; advantages with and without the reward for it correlate at ${fraction(correlation)}`,
    );
  }
  return found.length > 0 ? [`In training with both, ${found.join(". ")}.`] : [];
}

function directionOf(gains: readonly Gain[]) {
  const falls = (column: string) => gains.find((each) => each.to === "no-counting" && each.column === column)!.gain;
  const [inside, outside] = [falls("IoU in domain"), falls("IoU out of domain")];
  if (signOf(inside) === -1 && signOf(outside) === -1) {
    return {
      agrees: true,
      sentence: "As in the paper, IoU falls without counting data and its reward, in domain and out of it.",
    };
  }
  const says = (gain: typeof inside, where: string) =>
    `${signOf(gain) === 0 ? "does not clearly change" : signOf(gain) < 0 ? "falls" : "rises"} ${where}`;
  return {
    agrees: false,
    sentence: `Unlike in the paper, where it falls in both, IoU ${says(inside, "in domain")} and ${says(outside, "out of it")} without counting data and its reward.`,
  };
}
