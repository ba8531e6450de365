/** @file Computes the line of a step in `metrics.jsonl`. */

import { signsOf } from "./alarms/signs.ts";
import type { StepMetrics } from "./engine/engine.ts";
import { groundingIoU } from "./evaluation/metrics.ts";
import { effectiveGroups } from "./objective/advantage.ts";
import type { LossMetrics } from "./objective/loss.ts";
import { type Group, isScored } from "./records.ts";
import type { MetricsLine } from "./run/lines.ts";
import { mean } from "./util/arrays.ts";
import type { Stopwatch } from "./util/stopwatch.ts";

/** One update's metrics: those of its gradient and those of its step. */
export type Update = LossMetrics & StepMetrics;

/** The line of a step, but for its alarms and what is measured on held-out sets. `lr` is the learning rate of its updates. */
export function stepLine(
  step: number,
  groups: readonly Group[],
  updates: readonly Update[],
  lr: number,
  clock: Stopwatch,
): Omit<MetricsLine, "alarms" | "heldOut"> {
  const first = updates[0]!;
  const over = (key: "loss" | "kl" | "entropy" | "clipFraction" | "gradNorm") =>
    mean(updates.map((update) => update[key]));
  const A = groups.map(({ rollouts }) => rollouts.map(({ advantage }) => advantage));
  const absMean = mean(A.flat().map(Math.abs));
  const notFinite = [
    ...(Number.isFinite(absMean) ? [] : ["advantage"]),
    ...new Set(updates.flatMap((update) => [...update.notFinite, ...(update.spoilt ? [update.spoilt] : [])])),
  ];
  return {
    step,
    ...rolloutMetrics(groups),
    advantage: { absMean, effectiveGroups: effectiveGroups(A) },
    loss: over("loss"),
    kl: over("kl"),
    entropy: over("entropy"),
    clipFraction: over("clipFraction"),
    gradNorm: over("gradNorm"),
    updates: updates.filter(({ skipped }) => !skipped).length,
    skipped: updates.filter(({ skipped }) => skipped).length,
    ...(notFinite.length > 0 && { notFinite }),
    lr,
    // Before the first update both sides are the same weights: the gap is rounding alone.
    mismatch: { mean: first.mismatchMean, max: first.mismatchMax },
    tokensPerSecond: first.tokens / clock.total(),
    seconds: { ...clock.seconds(), total: clock.total() },
    rssMB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    signs: signsOf(groups),
  };
}

/** The part that needs no gradient. */
function rolloutMetrics(groups: readonly Group[]) {
  const rollouts = groups.flatMap(({ rollouts }) => rollouts);
  const totals = rollouts.map(({ scores }) => scores.total).filter(isScored);
  const names = Object.keys(rollouts[0]?.scores.terms ?? {});
  const scored = (name: string) =>
    rollouts.map(({ scores }) => scores.terms[name]).filter((s): s is number => s !== undefined && isScored(s));
  const boxes = rollouts.flatMap(({ chain }) => chain.boxes);
  const share = (flaw: "duplicate" | "degenerate" | "outOfBounds") => average(boxes.map((box) => Number(box[flaw])));
  const lengths = rollouts.map(({ completion }) => completion.ids.length);
  const ious = groups
    .flatMap(({ sample, rollouts }) => rollouts.map(({ chain }) => groundingIoU(sample, chain, "rescaled")))
    .filter((iou) => iou !== undefined);
  const centre = average(totals);
  return {
    reward: {
      mean: centre,
      std: Math.sqrt(average(totals.map((total) => (total - centre) ** 2))),
      terms: Object.fromEntries(names.map((name) => [name, average(scored(name))])),
    },
    accuracy: average(scored("answer").map((score) => Math.min(1, score))),
    giou: average(ious),
    wellFormed: average(rollouts.map(({ chain }) => Number(chain.wellFormed))),
    boxes: {
      perChain: boxes.length / rollouts.length,
      duplicate: share("duplicate"),
      degenerate: share("degenerate"),
      outOfBounds: share("outOfBounds"),
    },
    length: { mean: average(lengths), max: Math.max(...lengths) },
    ending: {
      stop: average(rollouts.map(({ completion }) => Number(completion.ending === "stop"))),
      length: average(rollouts.map(({ completion }) => Number(completion.ending === "length"))),
    },
    unscored: rollouts.length - totals.length,
  };
}

/** The mean; NaN, written as null, for an empty list: no boxes, no scores. */
function average(values: readonly number[]): number {
  return values.length ? mean(values) : Number.NaN;
}
