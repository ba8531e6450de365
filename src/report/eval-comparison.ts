/** @file Two evaluations compared for the terminal: how they were made, then their numbers. */

import type { Metric } from "../evaluation/aggregate.ts";
import type { Comparison, PairedEstimate } from "../evaluation/compare-evaluations.ts";
import type { Evaluation } from "../evaluation/manifest.ts";
import { FURTHER_METRICS } from "../tables/paper-table.ts";
import { type Difference, excerpts } from "../util/differences.ts";
import { table } from "../util/table.ts";
import { FORM, titleWithUnit, WRITE } from "./eval-cells.ts";
import { fractionGain, partial, points } from "./number-format.ts";

const FURTHER = [...FURTHER_METRICS, "choice", "rating", "hallucination"] as const;

/** What `grit eval --compare` prints. */
export function comparisonText(before: Evaluation, after: Evaluation, comparison: Comparison): string {
  const { differences, sets, apart } = comparison;
  const heads = ["n", "before", "after", "gain", "95 %", "p"];
  const block = (title: string, metric: "acc" | "giou") => {
    const rows = sets.filter((set) => set[metric].gain !== null || set[metric].coverage < 1);
    if (rows.length === 0) return [];
    return [table([[title, ...heads], ...rows.map((set) => [set.name, ...cells(set[metric], metric)])])];
  };
  // These metrics are listed only where they have a number: the lines above already say what is partial.
  const further = sets.flatMap((set) =>
    FURTHER.filter((metric) => set[metric].gain !== null).map((metric) => [
      `${set.name} ${titleWithUnit(metric)}`,
      ...cells(set[metric], metric),
    ]),
  );
  const blocks = [
    ...block("ACC, %", "acc"),
    ...block("grounding IoU", "giou"),
    ...(further.length > 0 ? [table([["also measured", ...heads], ...further])] : []),
  ];
  return [
    `before  ${before.manifest.name}  ${before.dir}\nafter   ${after.manifest.name}  ${after.dir}`,
    differenceText(differences),
    ...(apart.length > 0 ? [`Not compared, since these are not the same samples in both: ${apart.join(", ")}.`] : []),
    ...blocks,
    "Gains are paired, sample by sample, with their 95 % bootstrap interval; p: two-sided, by flipping the signs of the differences.",
  ].join("\n\n");
}

function differenceText(differences: readonly Difference[]): string {
  if (differences.length === 0) return "The manifests agree in every field: the same numbers are to be expected.";
  const rows = differences.map((difference) => [difference.key, ...excerpts(difference)]);
  const width = Math.max(...rows.map(([key]) => key!.length));
  const lines = rows.map(([key, from, to]) => `  ${key!.padEnd(width)}  ${from}  →  ${to}`);
  return ["The manifests differ in:", ...lines].join("\n");
}

function cells({ gain, coverage }: PairedEstimate, metric: Metric): string[] {
  if (gain === null) return ["–", "–", "–", partial(coverage), "–", "–"];
  const value = WRITE[FORM[metric]];
  const change = FORM[metric] === "percent" ? points : fractionGain;
  const p = gain.p < 0.001 ? "<0.001" : gain.p.toFixed(3);
  return [
    String(gain.n),
    value(gain.before),
    value(gain.after),
    change(gain.gain),
    `${change(gain.low)} … ${change(gain.high)}`,
    p,
  ];
}
