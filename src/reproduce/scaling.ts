/** @file Figure 6: accuracy with 20, 500 and 7,000 training samples, at the same number of steps, on the sets trained on and on others. */
import { grit, withSamples } from "./arms.ts";
import { type Column, signOf } from "./numbers.ts";
import { scalingChart } from "./scaling-figure.ts";
import type { Gain, Study } from "./study.ts";
import { Tabulated } from "./tabulate.ts";

const IN: Column = { name: "ACC in domain", metric: "acc", sets: ["vsr", "tallyqa"] };
const OUT: Column = { name: "ACC out of domain", metric: "acc", sets: ["gqa", "mathvista_mini", "mme"] };

export const scaling: Study = {
  name: "scaling",
  title: "Figure 6: accuracy by the number of training samples",
  families: ["qwen"],
  arms: (scale) => [grit(scale), ...scale.more.sizes.map((samples) => withSamples(scale, samples))],
  run: async (runs) => {
    const { scale } = runs;
    const arms = scaling.arms(scale);
    const table = await Tabulated.of(runs, arms, [IN, OUT]);
    const [twenty, middle, most] = arms.map(({ name }) => name) as [string, string, string];
    const gains = [IN, OUT].flatMap((column) => [table.gain(column, twenty, middle), table.gain(column, middle, most)]);
    const sizes = [20, ...scale.more.sizes];
    return {
      columns: table.columns,
      arms: table.arms.map((arm, i) => ({ ...arm, name: `${sizes[i]!.toLocaleString("en")} samples` })),
      // The figure has no numbers; these follow from table 1, whose GRIT row is its first point.
      paper: [{ name: "20 samples (paper, from its table 1)", numbers: [0.571, 0.613] }],
      gains,
      direction: directionOf(gains),
      notes: [
        "The paper's figure has no numbers: accuracy rises with the samples, ever more slowly, and more in domain than out of it. Its first point follows from table 1, out of domain over GQA and MathVista.",
      ],
      figure: scalingChart(
        sizes,
        [IN, OUT].map((column) => ({ name: column.name, points: arms.map(({ name }) => table.mean(name, column)) })),
      ),
    };
  },
};

function directionOf(gains: readonly Gain[]) {
  const [toMiddle, toMost] = gains as [Gain, Gain];
  const rises = signOf(toMiddle.gain) === 1 || signOf(toMost.gain) === 1;
  const isSublinear = toMost.gain.mean <= toMiddle.gain.mean * (7000 / 500);
  if (rises && isSublinear) {
    return {
      agrees: true,
      sentence: "As in the paper, accuracy in domain rises with the samples, and far less than in proportion.",
    };
  }
  return {
    agrees: false,
    sentence: `Unlike in the paper, accuracy in domain ${rises ? "rises in proportion to the samples" : "does not clearly rise with the samples"}.`,
  };
}
