/** @file Table 3: what counting data and the reward for the right number of boxes are worth, on the sets trained on and on others. */
import { grit, withoutCounting, withoutCountReward } from "./arms.ts";
import { type Column, signOf } from "./numbers.ts";
import { TABLE3 } from "./published-studies.ts";
import type { Gain, Study } from "./study.ts";
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
  arms: (scale) => [grit(scale), withoutCountReward(scale), withoutCounting(scale)],
  run: async (runs) => {
    const table = await Tabulated.of(runs, table3.arms(runs.scale), COLUMNS);
    const gains = COLUMNS.flatMap((column) => [
      table.gain(column, "grit", "no-counting"),
      table.gain(column, "grit", "no-count-reward"),
    ]);
    return {
      columns: table.columns,
      arms: table.arms,
      paper: TABLE3.map(({ name, numbers }) => ({ name: `${name} (paper)`, numbers: published(COLUMNS, numbers) })),
      gains,
      direction: directionOf(gains),
      notes: [
        "In domain: vsr and tallyqa, samples weighing the same. Out of domain: IoU of gqa; accuracy of gqa, mathvista_mini and mme, sets weighing the same.",
      ],
    };
  },
};

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
