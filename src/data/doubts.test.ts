import { expect, test } from "vitest";
import { makeSample } from "../rewards/fixtures.ts";
import { doubtsAbout } from "./doubts.ts";

test("an answer that is none of its choices is doubtful; a choice in other case and the letter of one are not", () => {
  const doubts = (answer: string) => doubtsAbout([makeSample({ answer, choices: ["a cat", "a dog"] })]);
  for (const answer of ["a cat", "A Dog.", "B", "(a)", "b."]) expect(doubts(answer), answer).toEqual([]);
  for (const answer of ["horse", "C", "cat or dog"])
    expect(doubts(answer), answer).toEqual([
      expect.objectContaining({ what: expect.stringContaining("none of their choices") }),
    ]);
});
