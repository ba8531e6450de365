/** @file Samples as one or two evaluations answered them, and what became of each. */

import { isRight } from "../../report/examples.ts";
import type { AnswerFact } from "../studio-data.ts";

/** An evaluation that is shown: its address, and what it is called here. */
export interface ShownEvaluation {
  readonly id: string;
  readonly name: string;
}

/** One sample as one or two evaluations answered it. */
export interface SamplePair {
  readonly sample: AnswerFact;
  readonly first: AnswerFact | undefined;
  readonly second: AnswerFact | undefined;
}

export const OUTCOMES = ["became right", "became wrong", "right", "wrong", "unscored"] as const;
type PairOutcome = (typeof OUTCOMES)[number];

/** What holds for a sample; of two evaluations the second decides whether it is right. */
export function outcomesOf({ first, second }: SamplePair): PairOutcome[] {
  const [before, after] = [first && isRight(first), second && isRight(second)];
  const last = second ?? first!;
  const found: PairOutcome[] = [];
  if (before === false && after === true) found.push("became right");
  if (before === true && after === false) found.push("became wrong");
  if (isRight(last) === true) found.push("right");
  if (isRight(last) === false) found.push("wrong");
  if (last.unscored !== undefined) found.push("unscored");
  return found;
}

/** Ids are unique within a set. */
export function sampleKey({ set, id }: AnswerFact): string {
  return `${set} ${id}`;
}

/** All samples of either, in the order of the first. */
export function pairsOf(firsts: readonly AnswerFact[], seconds: readonly AnswerFact[]): SamplePair[] {
  const before = new Map(firsts.map((fact) => [sampleKey(fact), fact]));
  const after = new Map(seconds.map((fact) => [sampleKey(fact), fact]));
  const all = new Map([...firsts, ...seconds].map((fact) => [sampleKey(fact), fact]));
  return [...all].map(([key, sample]) => ({ sample, first: before.get(key), second: after.get(key) }));
}
