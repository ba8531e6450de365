/** @file Samples to numbers: each metric of each set once, with its interval and how many samples stand behind it. */
import type { Evaluation, Measured } from "./manifest.ts";
import { bootstrapMean, type Interval } from "./statistics.ts";
import { type YesNoScores, yesNoScores } from "./yes_no.ts";

/** One metric of one set. */
export interface Estimate {
  /** Mean with its 95 % interval; null while any sample is missing, and where the set has no such metric. */
  readonly value: Interval | null;
  /** Samples measured, of all: below 1 the number is partial and not given. */
  readonly coverage: number;
}

/** One set of one evaluation. */
export interface SetResult {
  readonly samples: number;
  /** Mean judge score, not made binary. */
  readonly acc: Estimate;
  /** Share of samples whose score is at least one half. */
  readonly accBinary: Estimate;
  /** Grounding IoU in image pixels, over the samples with true boxes. */
  readonly giou: Estimate;
  /** The same as the original script computed it. */
  readonly giouRaw: Estimate;
  /** F1 of the box sets at IoU 0.5. */
  readonly f1: Estimate;
  /** POPE's numbers over the yes/no questions; null while any sample is missing, and where the set has none. */
  readonly yesNo: { readonly value: YesNoScores | null; readonly coverage: number };
  /** Letter accuracy, over the multiple-choice questions. */
  readonly choice: Estimate;
}

/** Every set of an evaluation, in the manifest's order. */
export function aggregate({ manifest, samples }: Evaluation): Record<string, SetResult> {
  const sets = Object.entries(manifest.sets).map(([name, { samples: expected }]) => {
    const answered = samples.filter(({ set }) => set === name);
    const accs = values(answered, "acc");
    const judged = accs.length / expected;
    const reached = answered.length / expected;
    const ofSome = (metric: "giou" | "giouRaw" | "f1" | "choice") => estimate(values(answered, metric), reached);
    const yesNo = answered.map((sample) => sample.yesNo).filter((answer) => answer !== null);
    const result: SetResult = {
      samples: expected,
      acc: estimate(accs, judged),
      accBinary: estimate(
        accs.map((acc) => Number(acc >= 0.5)),
        judged,
      ),
      giou: ofSome("giou"),
      giouRaw: ofSome("giouRaw"),
      f1: ofSome("f1"),
      yesNo: { value: reached === 1 && yesNo.length > 0 ? yesNoScores(yesNo) : null, coverage: reached },
      choice: ofSome("choice"),
    };
    return [name, result] as const;
  });
  return Object.fromEntries(sets);
}

function estimate(values: readonly number[], coverage: number): Estimate {
  return { value: coverage === 1 && values.length > 0 ? bootstrapMean(values) : null, coverage };
}

function values(samples: readonly Measured[], metric: "acc" | "giou" | "giouRaw" | "f1" | "choice"): number[] {
  return samples.map((sample) => sample[metric]).filter((value) => value !== null);
}
