/** @file The numbers of a study: means over sets and seeds, and what two arms differ by, each with its 95 % interval. */
import { type Metric, measuredOf } from "../evaluation/aggregate.ts";
import type { Evaluation } from "../evaluation/manifest.ts";
import { bootstrapSeeds } from "../evaluation/over-seeds.ts";
import type { Interval } from "../evaluation/statistics.ts";
import { UserError } from "../util/errors.ts";

/** A column of a study's table: a metric's mean over sets. */
export interface Column {
  readonly name: string;
  readonly metric: Extract<Metric, "acc" | "giou">;
  readonly sets: readonly string[];
  /** Whether each sample weighs the same, not each set. */
  readonly pooled?: boolean;
}

/** One arm's measured samples of a column, [seed][sample], in one order. */
export type Values = readonly (readonly number[])[];

/**
 * The samples of a column, as an arm's evaluations, one a seed, have them; weighted so that their mean is the column's.
 * @throws UserError when a sample has no score
 */
export function valuesOf(evaluations: readonly Evaluation[], { sets, metric, pooled = false }: Column): Values {
  const bySet = sets.map((set) => {
    const seeds = evaluations.map(({ samples }) => samples.filter((sample) => sample.set === set));
    refuseUnscored(seeds.flat(), metric, evaluations[0]!.dir);
    return seeds.map((samples) =>
      samples.map((sample) => measuredOf(sample, metric)).filter((value) => value !== null),
    );
  });
  const total = bySet.reduce((sum, [first]) => sum + first!.length, 0);
  return evaluations.map((_, seed) =>
    bySet.flatMap((seeds) => {
      const own = seeds[seed]!;
      const weight = pooled ? 1 : total / (sets.length * own.length);
      return own.map((value) => weight * value);
    }),
  );
}

function refuseUnscored(samples: Evaluation["samples"], metric: Column["metric"], dir: string): void {
  const open = metric === "acc" ? samples.filter(({ acc }) => acc === null) : [];
  if (open.length === 0) return;
  throw new UserError(
    `${open.length} answers in ${dir} have no score (${open[0]!.unscored ?? "not judged"}).`,
    "Run the command again: it asks the judge for what is missing.",
  );
}

/** A study has many numbers; with so many resamples an end is known to a fiftieth of its distance from the mean. */
const RESAMPLES = 2000;

/** The mean of a column with its interval. @throws Error as `bootstrapSeeds` */
export function meanOf(values: Values): Interval {
  return bootstrapSeeds(values, { resamples: RESAMPLES });
}

/**
 * What `after` has more than `before`, paired by sample; an arm of one seed is compared with every seed of the other.
 * @throws Error when they have other samples
 */
export function gainOf(before: Values, after: Values): Interval {
  const seeds = Math.max(before.length, after.length);
  const differences = Array.from({ length: seeds }, (_, s) => {
    const [from, to] = [before[s % before.length]!, after[s % after.length]!];
    if (from.length !== to.length) throw new Error(`${from.length} samples before, ${to.length} after`);
    return to.map((value, i) => value - from[i]!);
  });
  return bootstrapSeeds(differences, { resamples: RESAMPLES });
}

/** Whether an interval lies above zero, below it, or holds it. */
export function signOf({ low, high }: Interval): 1 | 0 | -1 {
  return low > 0 ? 1 : high < 0 ? -1 : 0;
}
