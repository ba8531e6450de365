import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isScored } from "../records.ts";
import { exactJudge, isRight } from "./exact.ts";
import { clean } from "./normalize.ts";

/** What the rules look for, in pieces that come in any order and number. */
const PIECES = [
  ..." |\n|.|,|;|-|–|+|=|(|)|[|]|{|}|$|%|°|/|\\|^|*|**|`|'|’|:|?|!|。|０|Ａ|é|😀|\ud800|\0".split("|"),
  ..."1|0|12|1,234|0.5|.5|1e9|1e999|½|10^|\\frac1|\\frac{1}{2}|\\boxed{|\\text{|\\times|\\circ|m|cm^2|in |$ ".split(
    "|",
  ),
  ..."yes|no|not |n't |or |and |is |are |the |a |answer |answer is |answer: |答案是|option |total of |therefore ".split(
    "|",
  ),
  ..."one|twenty|hundred|half |third|dozen|million |minus |A|B)|(A) |A. |A: |x1=|[1, 2, 3, 4]|(1, 2), (3, 4)".split(
    "|",
  ),
  ..."cannot |determine |enough |information |more than |at least |sure|Choices:\n|cow".split("|"),
] as const;
const text = (maxLength: number) =>
  fc
    .array(
      fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...PIECES) }, fc.string({ unit: "binary", maxLength: 4 })),
      {
        maxLength,
      },
    )
    .map((pieces) => pieces.join(""));
const request = fc.record(
  { question: text(12), answer: text(6), response: text(20), choices: fc.array(text(3), { maxLength: 5 }) },
  { requiredKeys: ["question", "answer", "response"] },
);

describe("the judge exact, on any text", () => {
  it("gives 0, 1 or a reason", async () => {
    await fc.assert(
      fc.asyncProperty(request, async (given) => {
        const score = await exactJudge.judge(given);
        if (isScored(score)) expect([0, 1]).toContain(score);
        else expect(score.unscored).toMatch(/\S/);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it("takes a right answer for itself", () => {
    fc.assert(
      fc.property(text(6), (answer) => {
        // A question of the model's own, behind its answer or before it, is no part of it.
        fc.pre(clean(answer) !== "" && !/[?？]/.test(answer));
        expect(isRight({ question: "What is it?", answer, response: answer })).toBe(true);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  // Where a pattern begins anew at each character the time grows with the square of the length: here milliseconds. A pattern that
  // shares the same characters out in every way takes longer than the universe has.
  it.each([...PIECES, "is is", "n't enough $", "answer is "])(
    "comes to an end when a model repeats %j",
    async (piece) => {
      const long = piece.repeat(Math.ceil(2000 / piece.length));
      const began = process.cpuUsage().user;
      for (const response of [`${long}x`, `the answer is ${long}`, `not ${long}(`])
        for (const answer of ["2", "yes", "[1, 2, 3, 4]", "A"])
          await exactJudge.judge({ question: "Which? (A) cow (B) dog", answer, response });
      expect(process.cpuUsage().user - began).toBeLessThan(10e6);
    },
  );

  it("does not begin with an answer without end", async () => {
    const response = "two ".repeat(3000);
    expect(await exactJudge.judge({ question: "How many?", answer: "2", response })).toEqual({
      unscored: "the answer has 12000 characters, and rules are for 10000 at most",
    });
  });
});
