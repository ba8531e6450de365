/**
 * @file Yes/no questions as POPE measures them (Li et al., 2023, section 4.2, and its evaluate.py): "yes" is the positive
 * class, so precision tells how often an object is made up, and recall how often one is missed.
 */

import { normalize } from "../judge/normalize.ts";
import type { Sample } from "../records.ts";
import { mean } from "../util/arrays.ts";
import { bootstrapCounts } from "./over-seeds.ts";
import type { Interval } from "./statistics.ts";

export type YesNo = "yes" | "no";

/** One yes/no question and its answer; null without an answer, which counts as wrong and as neither yes nor no. */
export interface YesNoAnswer {
  readonly truth: YesNo;
  readonly said: YesNo | null;
}

/** Shares in [0, 1]; null where the denominator is 0. */
export interface YesNoScores {
  /** Questions in all. */
  readonly n: number;
  readonly accuracy: number | null;
  /** Of the answers that say yes, the right ones. */
  readonly precision: number | null;
  /** Of the questions whose answer is yes, those answered so. */
  readonly recall: number | null;
  /** Harmonic mean of the two: 2·hits / (yes said + yes true). */
  readonly f1: number | null;
  /** Questions answered with yes. */
  readonly yesShare: number | null;
  /** Questions without any answer. */
  readonly unanswered: number;
}

/** The reading of a response to a sample whose answer is yes or no; undefined for other samples. */
export function yesNoAnswer(sample: Sample, response: string | undefined): YesNoAnswer | undefined {
  const truth = normalize(sample.answer);
  if (truth !== "yes" && truth !== "no") return undefined;
  return { truth, said: response?.trim() ? popeReading(response) : null };
}

/**
 * POPE's reading of a response, letter by letter: "no" when its first sentence has the word `No`, `no` or `not`, else "yes".
 * Words are separated by blanks only, so `no!` and `NO` are read as yes; published numbers depend on it.
 */
export function popeReading(response: string): YesNo {
  const words = response.split(".", 1)[0]!.replaceAll(",", "").split(" ");
  return ["No", "not", "no"].some((word) => words.includes(word)) ? "no" : "yes";
}

/** POPE's five numbers over some questions. */
export function yesNoScores(answers: readonly YesNoAnswer[]): YesNoScores {
  const counts = KINDS.map(() => 0);
  for (const answer of answers) counts[kindOf(answer)]!++;
  return scoresOf(counts);
}

/** The five numbers, each with its 95 % interval by bootstrap over the questions. */
export type YesNoIntervals = {
  readonly [K in keyof YesNoScores]: YesNoScores[K] extends number ? number : Interval | null;
};

/**
 * POPE's five numbers over some questions, with their intervals; of several seeds, each with its answers to the same questions,
 * the means. @throws Error without questions
 */
export function yesNoIntervals(...seeds: readonly (readonly YesNoAnswer[])[]): YesNoIntervals {
  const kinds = seeds.map((answers) => answers.map(kindOf));
  const shares = bootstrapCounts(kinds, (counts) => {
    const { accuracy, precision, recall, f1, yesShare } = scoresOf(counts);
    return { accuracy, precision, recall, f1, yesShare };
  });
  const unanswered = mean(seeds.map((answers) => yesNoScores(answers).unanswered));
  return { n: seeds[0]!.length, ...shares, unanswered };
}

/** Every combination of truth and answer. */
const KINDS = (["yes", "no"] as const).flatMap((truth) =>
  (["yes", "no", null] as const).map((said): YesNoAnswer => ({ truth, said })),
);

function kindOf({ truth, said }: YesNoAnswer): number {
  return KINDS.findIndex((kind) => kind.truth === truth && kind.said === said);
}

/** The numbers over questions of which so many were answered in each of `KINDS`. */
function scoresOf(counts: readonly number[]): YesNoScores {
  const count = (holds: (answer: YesNoAnswer) => boolean) =>
    counts.reduce((sum, times, kind) => sum + (holds(KINDS[kind]!) ? times : 0), 0);
  const n = count(() => true);
  const hits = count(({ truth, said }) => truth === "yes" && said === "yes");
  const saidYes = count(({ said }) => said === "yes");
  const trulyYes = count(({ truth }) => truth === "yes");
  return {
    n,
    accuracy: ratio(
      count(({ truth, said }) => said === truth),
      n,
    ),
    precision: ratio(hits, saidYes),
    recall: ratio(hits, trulyYes),
    f1: ratio(2 * hits, saidYes + trulyYes),
    yesShare: ratio(saidYes, n),
    unanswered: count(({ said }) => said === null),
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
