import fc from "fast-check";
import { expect, it } from "vitest";
import { makeSample } from "../rewards/fixtures.ts";
import { type YesNoAnswer, yesNoAnswer, yesNoScores } from "./yes_no.ts";

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
