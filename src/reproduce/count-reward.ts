/**
 * @file Does the reward for the right number of boxes say what the other terms do not? Of the chains that a run has sampled: how often
 * that number and the answer are right or wrong together, and how far the advantages would be others without it.
 */
import { taskOf } from "../data/samples.ts";
import { advantages } from "../objective/advantage.ts";
import { COUNT_WORTH } from "../rewards/grounding.ts";
import type { RolloutLine } from "../run/lines.ts";
import { groupBy, mean } from "../util/arrays.ts";

/** Of the chains about counting samples, those that could not be judged left out. */
export interface CountReward {
  readonly chains: number;
  /** Chains with a box before their rethink, and the share of them whose number of boxes is right exactly where their answer is. */
  readonly boxed: number;
  readonly together: number;
  /** Pearson's correlation of the advantages with those that the other terms alone would give. */
  readonly correlation: number;
}

/** Null for a run without counting samples, or where all chains earn the same. @param lines of one run whose terms have the weights of `paper` */
export function countRewardIn(lines: readonly RolloutLine[]): CountReward | null {
  const chains = lines.flatMap((line) => {
    const { total, terms } = line;
    if (taskOf(line.dataset) !== "count" || typeof total !== "number") return [];
    const boxes = soundBoxes(line);
    const countRight = boxes === Number(line.answer);
    const group = `${line.step} ${line.group}`;
    return [
      { group, total, rest: total - (countRight ? COUNT_WORTH : 0), boxes, countRight, right: terms.answer === 1 },
    ];
  });
  const groups = groupBy(chains, ({ group }) => group);
  const advantagesOf = (of: "total" | "rest") =>
    advantages(
      groups.map((group) => group.map((chain) => chain[of])),
      "group",
    ).flat();
  const correlation = pearson(advantagesOf("total"), advantagesOf("rest"));
  const boxed = chains.filter(({ boxes }) => boxes > 0);
  if (boxed.length === 0 || correlation === null) return null;
  const together = mean(boxed.map(({ countRight, right }) => Number(countRight === right)));
  return { chains: chains.length, boxed: boxed.length, together, correlation };
}

/** Boxes that the reward counts: see `boxesAndCount`. */
function soundBoxes({ text, boxes }: RolloutLine): number {
  const [rethink, answer] = ["<rethink>", "<answer>"].map((tag) => text.indexOf(tag));
  const end = Math.min(...[rethink!, answer!].map((at) => (at < 0 ? text.length : at)));
  return boxes.filter((box) => box.start < end && !box.duplicate && !box.degenerate && !box.outOfBounds).length;
}

/** Null where one of the two does not vary. */
function pearson(x: readonly number[], y: readonly number[]): number | null {
  const product = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  // Advantages have a mean of 0.
  const scale = Math.sqrt(product(x, x) * product(y, y));
  return scale > 0 ? product(x, y) / scale : null;
}
