import { expect, it } from "vitest";
import { makeSample } from "../rewards/fixtures.ts";
import { choiceAccuracy } from "./choices.ts";

const question = "Which animal is it?\n(A) cat\n(B) dog\n(C) cow";

it.each([
  ["B", "B", 1],
  ["dog", "(B)", 1],
  ["B", "the answer is B", 1],
  ["B", "Dog", 1],
  ["B", "A", 0],
  ["B", "(A) or (B)", 0],
  ["B", "I cannot tell", 0],
  ["B", undefined, 0],
  ["horse", "A", undefined],
])("where %j is right, %j gives %j", (answer, response, expected) => {
  expect(choiceAccuracy(makeSample({ question, answer }), response)).toBe(expected);
});

it("leaves questions without options alone", () => {
  expect(choiceAccuracy(makeSample({ question: "Which animal is it?", answer: "A" }), "A")).toBeUndefined();
});

it("takes the sample's own choices, whether or not the question lists them", () => {
  const choices = ["cat", "dog"];
  const asked = makeSample({ question: "Which animal is it?", answer: "B", choices });
  expect(["B", "Dog", "A", undefined].map((said) => choiceAccuracy(asked, said))).toEqual([1, 1, 0, 0]);
  expect(choiceAccuracy(makeSample({ question, answer: "C", choices }), "C")).toBeUndefined();
});
