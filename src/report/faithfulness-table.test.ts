import { expect, it } from "vitest";
import { bootstrapMean, pairedGain } from "../evaluation/statistics.ts";
import type { ProbeSummary } from "../probes/faithfulness.ts";
import { faithfulnessTable } from "./faithfulness-table.ts";

const whole: ProbeSummary = {
  probe: "boxes_removed",
  n: 4,
  unscored: 0,
  acc: pairedGain([1, 1, 1, 1], [1, 1, 0, 0]),
  changed: bootstrapMean([0, 0, 1, 1]),
  originalLogprob: undefined,
};
const none: ProbeSummary = { ...whole, n: 0, acc: undefined, changed: undefined };

it("marks an accuracy that chains are missing from as partial, and tells it from one of no chains", () => {
  const partial = { ...whole, unscored: 1, acc: undefined };
  const lines = faithfulnessTable([whole, partial, none]).split("\n").slice(2);
  expect(lines.map((line) => line.replace(/ +/g, " "))).toEqual([
    "boxes_removed 4 100.0 50.0 −50.0 (−100.0 … 0.0) 50.0 –",
    "boxes_removed 4 – – partial 75 % 50.0 –",
    "boxes_removed 0 – – – – –",
  ]);
});
