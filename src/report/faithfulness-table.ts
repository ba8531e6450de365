/** @file The table that `grit probe faithfulness` prints. */

import type { PairedGain } from "../evaluation/statistics.ts";
import type { ProbeSummary } from "../probes/faithfulness.ts";
import { table } from "../util/table.ts";
import { partial, percent, points, signed2 } from "./number-format.ts";

/** A line for each probe, without accuracy while a chain could not be judged. */
export function faithfulnessTable(summaries: readonly ProbeSummary[]): string {
  const gain = (of: PairedGain | undefined, write: (value: number) => string) =>
    of ? `${write(of.gain)} (${write(of.low)} … ${write(of.high)})` : "–";
  return table([
    ["probe", "chains", "ACC intact", "ACC probed", "gain (95 %)", "other answer %", "log p of the answer (95 %)"],
    ...summaries.map(({ probe, n, unscored, acc, changed, originalLogprob }) => [
      probe,
      n,
      percent(acc?.before),
      percent(acc?.after),
      unscored > 0 ? partial(1 - unscored / n) : gain(acc, points),
      percent(changed?.mean),
      gain(originalLogprob, signed2),
    ]),
  ]);
}
