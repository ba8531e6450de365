/** @file Two evaluations of the same samples: first in what they were made differently, then what that did to each sample. */
import type { Difference } from "../differences.ts";
import { UserError } from "../errors.ts";
import { type Evaluation, type Measured, manifestDifferences } from "./manifest.ts";
import { type PairedGain, pairedGain } from "./statistics.ts";

type Metric = "acc" | "giou";

/** One metric of one set in both evaluations. */
export interface PairedEstimate {
  /** Null while a sample is missing in either, and where the set has no such metric. */
  readonly gain: PairedGain | null;
  /** Samples that both have measured, of all. */
  readonly coverage: number;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  readonly sets: readonly { readonly name: string; readonly acc: PairedEstimate; readonly giou: PairedEstimate }[];
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
    const expected = a[name]!.samples;
    return { name, acc: paired(from, to, "acc", expected), giou: paired(from, to, "giou", expected) };
  });
  return {
    differences: manifestDifferences(before.manifest, after.manifest),
    sets,
    apart: names.filter((name) => !shared.includes(name)),
  };
}

function paired(
  before: readonly Measured[],
  after: readonly Measured[],
  metric: Metric,
  expected: number,
): PairedEstimate {
  const pairs = pairById(before, after);
  const measured = metric === "acc" ? pairs.filter(([a, b]) => a.acc !== null && b.acc !== null) : pairs;
  const coverage = measured.length / expected;
  return { gain: coverage === 1 ? gainOf(pairs, metric) : null, coverage };
}

/** The paired gain over the pairs that both have the metric; null when none has. */
export function gainOf<T extends Pick<Measured, Metric>>(
  pairs: readonly (readonly [T, T])[],
  metric: Metric,
): PairedGain | null {
  const known = pairs.flatMap(([a, b]) =>
    a[metric] === null || b[metric] === null ? [] : [[a[metric], b[metric]] as const],
  );
  if (known.length === 0) return null;
  return pairedGain(
    known.map(([a]) => a),
    known.map(([, b]) => b),
  );
}

/** The samples that two evaluations have in common, by id, in the order of the first. */
export function pairById<T extends { readonly id: string }>(before: readonly T[], after: readonly T[]): [T, T][] {
  const byId = new Map(after.map((sample) => [sample.id, sample]));
  return before.flatMap((sample) => {
    const other = byId.get(sample.id);
    return other ? [[sample, other]] : [];
  });
}
