import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregate } from "./aggregate.ts";
import { makeEvaluation, makeMeasured } from "./manifest-fixture.ts";
import { type YesNoAnswer, yesNoIntervals } from "./yes-no.ts";

it("gives means, un-binarised and binarised, whatever the order of the samples", () => {
  const evaluation = makeEvaluation([1, 0.5, 0.49, 0]);
  const { vsr } = aggregate(evaluation);
  expect(vsr!.acc.value).toMatchObject({ mean: 0.4975, n: 4 });
  expect(vsr!.accBinary.value).toMatchObject({ mean: 0.5 });
  expect(vsr!.giou.value!.mean).toBeCloseTo(0.04975, 12);
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

it("takes Acc@0.5 and the answered boxes' IoU over the samples that ask for a box, with intervals", () => {
  const { vsr } = aggregate(makeMeasured([0.5, 0.499, 0.9, null].map((answerIoU) => ({ answerIoU }))));
  expect(vsr!.acc50).toMatchObject({ value: { mean: 2 / 3, low: 0, high: 1, n: 3 }, coverage: 1 });
  expect(vsr!.answerIoU.value!.mean).toBeCloseTo((0.5 + 0.499 + 0.9) / 3, 12);
  // An evaluation of an earlier version has none.
  expect(aggregate(makeEvaluation([1, 0])).vsr!.acc50).toEqual({ value: null, coverage: 1 });
});

const hit: YesNoAnswer = { truth: "yes", said: "yes" };
const alarm: YesNoAnswer = { truth: "no", said: "yes" };

it("takes POPE's numbers over the yes/no questions and letter accuracy over those with options", () => {
  const { vsr } = aggregate(makeMeasured([{ yesNo: hit }, { yesNo: alarm }, { choice: 1 }, { choice: 0 }, {}]));
  const scores = { n: 2, accuracy: { mean: 0.5 }, precision: { mean: 0.5 }, recall: { mean: 1 }, unanswered: 0 };
  expect(vsr!.yesNo).toMatchObject({ value: scores, coverage: 1 });
  expect(vsr!.choice).toMatchObject({ value: { mean: 0.5, n: 2 }, coverage: 1 });
  const neither = aggregate(makeEvaluation([1, 0])).vsr!;
  expect([neither.yesNo, neither.choice]).toEqual([
    { value: null, coverage: 1 },
    { value: null, coverage: 1 },
  ]);
});

it("has them without the judge, but not while a sample is missing", () => {
  const unscored = aggregate(makeMeasured([{ yesNo: hit, acc: null }, { choice: 1 }])).vsr!;
  expect([unscored.acc.value, unscored.yesNo.value?.n, unscored.choice.value?.mean]).toEqual([null, 1, 1]);
  const broken = aggregate(makeMeasured([{ yesNo: hit }, { choice: 1 }], {}, 4)).vsr!;
  expect(broken.yesNo).toEqual({ value: null, coverage: 0.5 });
  expect(broken.choice).toEqual({ value: null, coverage: 0.5 });
});

it("is the same from a file as from memory, for any answers", () => {
  const word = fc.constantFrom("yes" as const, "no" as const);
  const yesNo = fc.option(fc.record({ truth: word, said: fc.option(word) }));
  const choice = fc.option(fc.constantFrom(0, 1));
  fc.assert(
    fc.property(fc.array(fc.record({ yesNo, choice }), { minLength: 1, maxLength: 8 }), (measured) => {
      const evaluation = makeMeasured(measured);
      const results = aggregate(evaluation);
      expect(aggregate(JSON.parse(JSON.stringify(evaluation)))).toStrictEqual(results);
      expect(JSON.parse(JSON.stringify(results))).toStrictEqual(results);
      const answers = measured.flatMap((each) => each.yesNo ?? []);
      expect(results.vsr!.yesNo.value).toEqual(answers.length > 0 ? yesNoIntervals(answers) : null);
    }),
    { numRuns: 20 },
  );
});

describe("rated answers", () => {
  const rated = (...ratings: (number | null)[]) =>
    makeMeasured(
      ratings.map((rating, i) => ({ acc: null, rating, dataset: i % 2 === 0 ? "mmhal_attribute" : "mmhal_other" })),
    );

  it("have MMHal-Bench's mean rating and hallucination rate, in all and by type, and no accuracy", () => {
    const { vsr } = aggregate(rated(6, 0, 3, 5, 2, 1));
    expect(vsr!.rating).toMatchObject({ value: { mean: 17 / 6, n: 6 }, coverage: 1 });
    expect(vsr!.hallucination).toMatchObject({ value: { mean: 1 / 2, n: 6 }, coverage: 1 });
    const { low, high } = vsr!.rating.value!;
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(6);
    expect(vsr!.types).toMatchObject({
      mmhal_attribute: { rating: { value: { mean: 11 / 3, n: 3 } }, hallucination: { value: { mean: 1 / 3 } } },
      mmhal_other: { rating: { value: { mean: 2 } }, hallucination: { value: { mean: 2 / 3 } } },
    });
    expect([vsr!.acc, vsr!.accBinary]).toEqual(Array(2).fill({ value: null, coverage: 1 }));
  });

  it("have no number while one could not be rated, but for the types without it", () => {
    const { vsr } = aggregate(rated(6, null, 3, 5));
    const partial = { value: null, coverage: 0.75 };
    expect([vsr!.rating, vsr!.hallucination]).toEqual([partial, partial]);
    expect(vsr!.types!.mmhal_attribute!.rating.value).toMatchObject({ mean: 4.5 });
    expect(vsr!.types!.mmhal_other!.rating).toEqual({ value: null, coverage: 0.5 });
  });
});
