import fc from "fast-check";
import { expect, it } from "vitest";
import { makeSample } from "../rewards/fixtures.ts";
import { bootstrapMean } from "./statistics.ts";
import { type YesNoAnswer, yesNoAnswer, yesNoIntervals, yesNoScores } from "./yes-no.ts";

const answer = fc.record({ truth: fc.constantFrom("yes", "no"), said: fc.constantFrom("yes", "no", null) });
const answers: fc.Arbitrary<YesNoAnswer[]> = fc.array(answer as fc.Arbitrary<YesNoAnswer>, { maxLength: 20 });

it("takes questions answered by yes or no, and no others", () => {
  expect(yesNoAnswer(makeSample({ answer: "Yes." }), "No, not there")).toEqual({ truth: "yes", said: "no" });
  expect(yesNoAnswer(makeSample({ answer: "no" }), "a dog")).toEqual({ truth: "no", said: "yes" });
  expect(yesNoAnswer(makeSample({ answer: "2" }), "yes")).toBeUndefined();
});

it("counts a missing answer as wrong, and as neither yes nor no", () => {
  const silent = [undefined, " \n"].map((response) => yesNoAnswer(makeSample({ answer: "no" }), response)!);
  expect(yesNoScores(silent)).toEqual({
    n: 2,
    accuracy: 0,
    precision: null,
    recall: null,
    f1: null,
    yesShare: 0,
    unanswered: 2,
  });
  expect(yesNoScores([{ truth: "yes", said: null }])).toMatchObject({ recall: 0, f1: 0 });
});

it("has F1 as the harmonic mean, shares within bounds, and no eye for order", () => {
  fc.assert(
    fc.property(answers, (given) => {
      const { n, unanswered, ...shares } = yesNoScores(given);
      const { precision, recall, f1 } = shares;
      for (const share of Object.values(shares).filter((value) => value !== null)) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
      if (precision && recall) expect(f1).toBeCloseTo(2 / (1 / precision + 1 / recall), 12);
      expect(yesNoScores([...given].reverse())).toEqual({ n, unanswered, ...shares });
    }),
  );
});

it("has intervals over the resamples that accuracies have, and over those alone in which a number is defined", () => {
  const given: YesNoAnswer[] = [
    { truth: "yes", said: "yes" },
    { truth: "yes", said: "no" },
    { truth: "no", said: "yes" },
    { truth: "no", said: null },
  ];
  const { accuracy, precision, recall, n, unanswered } = yesNoIntervals(given);
  expect(accuracy).toEqual(bootstrapMean([1, 0, 0, 0]));
  expect([n, unanswered, precision!.mean, recall!.mean]).toEqual([4, 1, 0.5, 0.5]);
  // Without a yes there is no precision: among four, in one resample of sixteen.
  expect([precision!.low, precision!.high]).toEqual([0, 1]);
  expect(yesNoIntervals([{ truth: "no", said: "no" }])).toMatchObject({
    precision: null,
    recall: null,
    yesShare: { high: 0 },
  });
});

it("has the spread of its shares", () => {
  const given = Array.from({ length: 400 }, (_, i): YesNoAnswer => ({ truth: "yes", said: i % 2 ? "yes" : "no" }));
  const { recall } = yesNoIntervals(given);
  // The normal interval of a share: 1.96 · √(p(1 − p) / n).
  expect(recall!.high - recall!.low).toBeCloseTo(2 * 1.96 * Math.sqrt(0.25 / 400), 2);
});
