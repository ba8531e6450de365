/**
 * @file Summarizes evaluations: changes with paired intervals, rows of a table, the gate of the base. Where a sample could not
 * be judged there is no accuracy, but `coverage`: the share of samples that could, given only where it is below 1.
 */

import type { Answered, Change, Row, SetChange } from "../run/lines.ts";
import { estimate } from "./aggregate.ts";
import { pairedEstimate } from "./compare-evaluations.ts";

/** What changed between two evaluations of the same samples; null where the set has no such metric, and while it is partial. */
export function changes(before: readonly Answered[], after: readonly Answered[]): SetChange {
  const [acc, giou] = [pairedEstimate(before, after, "acc"), pairedEstimate(before, after, "giou")];
  return { n: before.length, acc: changeOf(acc.gain), giou: changeOf(giou.gain), ...partial(acc.coverage) };
}

function changeOf(gain: Change | null): Change | null {
  if (!gain) return null;
  const { before, after, gain: mean, low, high } = gain;
  return { before, after, gain: mean, low, high };
}

/** One way of asking, on every set. */
export function row(name: string, sets: Readonly<Record<string, readonly Answered[]>>): Row {
  return { name, sets: Object.fromEntries(Object.entries(sets).map(([set, samples]) => [set, numbers(samples)])) };
}

/** The numbers of one set; null where no sample has the metric, and while it is partial. */
export function numbers(samples: readonly Answered[]) {
  const [acc, giou] = [estimate(samples, "acc"), estimate(samples, "giou")];
  return {
    acc: acc.value?.mean ?? null,
    giou: giou.value?.mean ?? null,
    n: samples.length,
    accLow: acc.value?.low ?? null,
    accHigh: acc.value?.high ?? null,
    ...partial(acc.coverage),
  };
}

function partial(coverage: number): { coverage?: number } {
  return coverage < 1 ? { coverage } : {};
}
