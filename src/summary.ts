/** @file What evaluations amount to: changes with paired intervals, rows of a table, the gate of the base. */
import { gainOf, pairById } from "./eval/compare.ts";
import { bootstrapMean, mean } from "./eval/statistics.ts";
import type { Answered } from "./evaluate.ts";
import type { Change, Row } from "./report/schema.ts";

type Metric = "acc" | "giou";

/** Paired change of a metric between two evaluations of the same samples; null where the set has no such metric. */
export function change(before: readonly Answered[], after: readonly Answered[], metric: Metric): Change | null {
  const paired = gainOf(pairById(before, after), metric);
  if (!paired) return null;
  const { before: from, after: to, gain, low, high } = paired;
  return { before: from, after: to, gain, low, high };
}

/** One way of asking, on every set; null where no sample of a set has the metric. */
export function row(name: string, sets: Readonly<Record<string, readonly Answered[]>>): Row {
  const cells = Object.entries(sets).map(([set, samples]) => {
    const [accs, ious] = [values(samples, "acc"), values(samples, "giou")];
    const acc = accs.length ? bootstrapMean(accs) : undefined;
    const cell = {
      acc: acc?.mean ?? null,
      giou: ious.length ? mean(ious) : null,
      n: samples.length,
      accLow: acc?.low ?? null,
      accHigh: acc?.high ?? null,
    };
    return [set, cell] as const;
  });
  return { name, sets: Object.fromEntries(cells) };
}

/** Mean of a metric over the samples that have it; NaN when none has. */
export function meanOf(samples: readonly Answered[], metric: Metric): number {
  const known = values(samples, metric);
  return known.length ? mean(known) : Number.NaN;
}

function values(samples: readonly Answered[], metric: Metric): number[] {
  return samples.map((sample) => sample[metric]).filter((value) => value !== null);
}
