/**
 * @file More than a habit: where the base that is forced to look still errs, do twenty triplets make answers and boxes better than it?
 * It leaves objects out of long lists and says others twice, so this asks to count five and more. Not among the paper's studies.
 */
import { countingTriplets, forcedToLook, grit, withoutCounting } from "./arms.ts";
import { type Column, signOf } from "./numbers.ts";
import { countingMany } from "./scale.ts";
import type { Gain, Study } from "./study.ts";
import { Tabulated } from "./tabulate.ts";

const SETS = ["tallyqa_many"];
const COLUMNS: readonly Column[] = [
  { name: "ACC", metric: "acc", sets: SETS },
  { name: "IoU", metric: "giou", sets: SETS },
];

export const beyondLooking: Study = {
  name: "beyond-looking",
  title: "More than a habit: counting five objects and more, against the base that is forced to look",
  families: ["qwen"],
  asking: countingMany,
  arms: (scale) => [...forcedToLook(scale), withoutCounting(scale), grit(scale), countingTriplets(scale)],
  run: async (runs) => {
    const arms = beyondLooking.arms(runs.scale);
    const table = await Tabulated.of(runs, arms, COLUMNS);
    const taught = arms.at(-1)!.name;
    const others = arms.slice(0, -1).map(({ name }) => name);
    const gains = COLUMNS.flatMap((column) => others.map((other) => table.gain(column, other, taught)));
    return {
      columns: table.columns,
      arms: table.arms,
      paper: [],
      gains,
      direction: directionOf(gains.filter(({ from }) => from === others[0])),
      notes: [
        "look: the untrained base, each of its answers made to begin with boxes. no-counting: 20 relation triplets. grit: 10 relations, and 10 counts of up to 4. counting-many: 20 counts of 5 to 9, 40 steps of 10 prompts with 8 completions.",
      ],
    };
  },
};

/** By what the taught model has more than the base that is forced to look. */
function directionOf(gains: readonly Gain[]) {
  const better = gains.filter(({ gain }) => signOf(gain) === 1).map(({ column }) => column);
  return {
    agrees: better.length > 0,
    sentence:
      better.length > 0
        ? `Twenty triplets that count five objects and more make more than a habit: ${better.join(" and ")} above the base that is forced to look.`
        : "Twenty triplets that count five objects and more make no more than a habit: neither ACC nor IoU is clearly above the base that is forced to look.",
  };
}
