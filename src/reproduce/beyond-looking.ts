/**
 * @file More than a habit: where the base that is forced to look still errs, do twenty triplets make answers and boxes better than it, or
 * five hundred? It leaves objects out of long lists and says others twice, so this asks to count five and more. Not among the paper's studies.
 */
import { LOOK_PREFIX } from "../data/scenes/scene-chains.ts";
import type { AnsweredEvaluation } from "../evaluation/read-evaluations.ts";
import type { RolloutLine } from "../run/lines.ts";
import { type Arm, countingHundreds, countingTriplets, forcedToLook, grit, withoutCounting } from "./arms.ts";
import { type Column, signOf } from "./numbers.ts";
import { countingMany } from "./scale.ts";
import type { Gain, Runs, Study } from "./study.ts";
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
  arms: (scale) => [
    ...forcedToLook(scale),
    withoutCounting(scale),
    grit(scale),
    countingTriplets(scale),
    countingHundreds(scale),
  ],
  run: async (runs) => {
    const arms = beyondLooking.arms(runs.scale);
    const table = await Tabulated.of(runs, arms, COLUMNS);
    const [look, ...trained] = arms.map(({ name }) => name) as [string, ...string[]];
    const gains = COLUMNS.flatMap((column) => trained.map((name) => table.gain(column, look, name)));
    const counted: string[] = [];
    for (const arm of arms) counted.push(`${arm.name} ${missesOf(await runs.answers(arm))}`);
    const own: string[] = [];
    for (const counting of [grit, countingTriplets, countingHundreds])
      own.push(await rightOnItsOwn(runs, counting(runs.scale)));
    return {
      columns: table.columns,
      arms: table.arms,
      paper: [],
      gains,
      direction: directionOf(gains),
      notes: [
        "look: the untrained base, each of its answers made to begin with boxes. no-counting: 20 relation triplets. grit: 10 relations, and 10 counts of up to 4. counting-many: 20 counts of 5 to 9, 40 steps of 10 prompts with 8 completions; counting-many-500: 500 of them.",
        `Answers with too few, and with too many: ${counted.join("; ")}.`,
        `Chains that look and are right on the scenes trained on: ${own.join("; ")}.`,
      ],
    };
  },
};

/** How many answers count too few, and how many too many, over all seeds. */
function missesOf(evaluations: readonly AnsweredEvaluation[]): string {
  const missed = evaluations.flatMap(({ samples }) =>
    samples.map((each) => Number(each.response) - Number(each.answer)),
  );
  return `${missed.filter((by) => by < 0).length} and ${missed.filter((by) => by > 0).length}`;
}

/** Steps at the beginning of training, in which a policy is nearly its base, and at its end. */
const STEPS = 5;

/** How often chains that look are right on the scenes trained on, over all seeds: at first, which leaves the rest to find, and at last. */
async function rightOnItsOwn(runs: Runs, arm: Arm): Promise<string> {
  const lines = (await Promise.all(runs.seedsOf(arm).map((seed) => runs.rollouts(arm, seed)))).flat();
  const looking = lines.filter(({ text }) => text.startsWith(LOOK_PREFIX));
  const last = Math.max(...lines.map(({ step }) => step));
  const right = (chains: readonly RolloutLine[]) =>
    `${chains.filter(({ terms }) => terms.answer === 1).length} of ${chains.length}`;
  const [first, end] = [looking.filter(({ step }) => step <= STEPS), looking.filter(({ step }) => step > last - STEPS)];
  return `in ${arm.name} ${right(first)} in the first ${STEPS} steps, ${right(end)} in the last`;
}

/** By what the taught models have more than the base that is forced to look. */
function directionOf(gains: readonly Gain[]) {
  const betterBy = (name: string) =>
    gains.filter(({ to, gain }) => to === name && signOf(gain) === 1).map(({ column }) => column);
  const [twenty, hundreds] = [betterBy("counting-many"), betterBy("counting-many-500")];
  const verdict =
    twenty.length > 0
      ? `more than a habit: ${twenty.join(" and ")} above the base that is forced to look`
      : "no more than a habit: neither ACC nor IoU is clearly above the base that is forced to look";
  const more =
    hundreds.length > 0 ? `with five hundred ${hundreds.join(" and ")} rise above it` : "with five hundred neither is";
  return {
    agrees: twenty.length > 0,
    sentence: `Twenty triplets that count five objects and more make ${verdict}; ${more}.`,
  };
}
