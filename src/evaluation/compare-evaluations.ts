/** @file Compares two evaluations of the same samples: first how they were made, then sample by sample. */
import type { Difference } from "../util/differences.ts";
import { UserError } from "../util/errors.ts";
import { eachMetric, isMissing, type Metric, measuredOf } from "./aggregate.ts";
import { type Evaluation, type Measured, manifestDifferences } from "./manifest.ts";
import { type PairedGain, pairedGain } from "./statistics.ts";

/** One metric of one set in both evaluations. */
export interface PairedEstimate {
  /** Null while a sample is missing in either, and where the set has no such metric. */
  readonly gain: PairedGain | null;
  /** Samples that both have measured, of all. */
  readonly coverage: number;
}

/** One set in both evaluations. */
export interface ComparedSet extends Readonly<Record<Metric, PairedEstimate>> {
  readonly name: string;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  readonly sets: readonly ComparedSet[];
  /** Sets that only one of them has, or whose samples are not the same in both. */
  readonly apart: readonly string[];
}

/** @throws UserError when they have no set in common */
export function compareEvaluations(before: Evaluation, after: Evaluation): Comparison {
  const [a, b] = [before.manifest.sets, after.manifest.sets];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  const shared = names.filter((name) => a[name] && a[name].sha256 === b[name]?.sha256);
  if (shared.length === 0) {
    throw new UserError(
      `${before.dir} and ${after.dir} have no set in common: ${Object.keys(a).join(", ")}; ${Object.keys(b).join(", ")}.`,
      "Compare evaluations of the same data, with the same --limit.",
    );
  }
  const sets = shared.map((name) => {
    const of = ({ samples }: Evaluation) => samples.filter(({ set }) => set === name);
    const [from, to] = [of(before), of(after)];
    return { name, ...eachMetric((metric) => pairedEstimate(from, to, metric, a[name]!.samples)) };
  });
  return {
    differences: manifestDifferences(before.manifest, after.manifest),
    sets,
    apart: names.filter((name) => !shared.includes(name)),
  };
}

/** The paired gain in a metric between two evaluations of a set that has `expected` samples. */
export function pairedEstimate(
  before: readonly Measured[],
  after: readonly Measured[],
  metric: Metric,
  expected = before.length,
): PairedEstimate {
  const pairs = pairById(before, after);
  const coverage = pairs.filter((pair) => !pair.some((sample) => isMissing(sample, metric))).length / expected;
  const values = pairs.flatMap(([a, b]) => {
    const [from, to] = [measuredOf(a, metric), measuredOf(b, metric)];
    return from === null || to === null ? [] : [[from, to] as const];
  });
  if (coverage < 1 || values.length === 0) return { gain: null, coverage };
  const gain = pairedGain(
    values.map(([from]) => from),
    values.map(([, to]) => to),
  );
  return { gain, coverage };
}

/** The samples that two evaluations have in common, by id, in the order of the first. */
export function pairById<T extends { readonly id: string }>(before: readonly T[], after: readonly T[]): [T, T][] {
  const byId = new Map(after.map((sample) => [sample.id, sample]));
  return before.flatMap((sample) => {
    const other = byId.get(sample.id);
    return other ? [[sample, other]] : [];
  });
}
