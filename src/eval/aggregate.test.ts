import { expect, it } from "vitest";
import { aggregate } from "./aggregate.ts";
import { makeEvaluation } from "./fixtures.ts";

it("gives means, un-binarised and binarised, whatever the order of the samples", () => {
  const evaluation = makeEvaluation([1, 0.5, 0.25, 0]);
  const { vsr } = aggregate(evaluation);
  expect(vsr!.acc.value).toMatchObject({ mean: 0.4375, n: 4 });
  expect(vsr!.accBinary.value).toMatchObject({ mean: 0.5 });
  expect(vsr!.giou.value!.mean).toBeCloseTo(0.04375, 12);
  expect(vsr!.acc.coverage).toBe(1);
  const reversed = { ...evaluation, samples: evaluation.samples.toReversed() };
  expect(aggregate(reversed).vsr!.acc.value!.mean).toBe(vsr!.acc.value!.mean);
});

it("has no accuracy while a sample is unscored, and no number at all while one is missing", () => {
  const unscored = aggregate(makeEvaluation([1, null, 1, 1])).vsr!;
  expect(unscored.acc).toEqual({ value: null, coverage: 0.75 });
  expect(unscored.accBinary.value).toBeNull();
  expect(unscored.giou.coverage).toBe(1);
  const broken = aggregate(makeEvaluation([1, 1], {}, 4)).vsr!;
  expect(broken.acc).toEqual({ value: null, coverage: 0.5 });
  expect(broken.giou).toEqual({ value: null, coverage: 0.5 });
});

it("takes IoU over the samples with true boxes only", () => {
  const evaluation = makeEvaluation([1, 1, 0, 0]);
  const samples = evaluation.samples.map((sample, i) => (i === 0 ? { ...sample, giou: null } : sample));
  expect(aggregate({ ...evaluation, samples }).vsr!.giou).toMatchObject({ value: { n: 3 }, coverage: 1 });
});
