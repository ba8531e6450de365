import { expect, test } from "vitest";
import type { AnswerFact } from "../studio-data.ts";
import { outcomesOf, pairsOf } from "./sample-pairs.ts";

const fact = (id: string, acc: number | null, more: Partial<AnswerFact> = {}): AnswerFact => ({
  line: 0,
  id,
  set: "vsr",
  dataset: "vsr",
  question: "?",
  acc,
  giou: null,
  ...more,
});

test("samples are paired by set and id; those of one evaluation stay", () => {
  const pairs = pairsOf([fact("a", 0), fact("b", 1)], [fact("a", 1), fact("b", 1, { set: "gqa" })]);
  expect(pairs.map(({ first, second }) => [first?.acc, second?.acc])).toEqual([
    [0, 1],
    [1, undefined],
    [undefined, 1],
  ]);
});

test("what became of a sample", () => {
  const outcomes = (first: AnswerFact | undefined, second?: AnswerFact) =>
    outcomesOf({ sample: (first ?? second)!, first, second });
  expect(outcomes(fact("a", 0), fact("a", 1))).toEqual(["became right", "right"]);
  expect(outcomes(fact("a", 1), fact("a", 0))).toEqual(["became wrong", "wrong"]);
  expect(outcomes(fact("a", 1))).toEqual(["right"]);
  expect(outcomes(fact("a", 1), fact("a", null, { unscored: "no judge" }))).toEqual(["unscored"]);
});
