/**
 * @file `exact` on ways of saying something, each with answers of every kind: what claims an answer is right, and a hedge, a refusal or a
 * bound is not. In `test/golden/answers/*.txt` @X is the right answer, @Y another one, and ⏎ the end of a line.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exactScore } from "./exact.ts";

interface Question {
  readonly question: string;
  readonly answer: string;
  /** How a response says the right answer, and another one. */
  readonly x: string;
  readonly y: string;
}

const ask = (question: string, answer: string, x = answer, y = ""): Question => ({ question, answer, x, y });
const ANIMALS = "What animal is it?\nA. cat\nB. dog\nC. cow";
const COUNT = "How many dogs are there?";

const NUMBERS = [
  ask(COUNT, "4", "4", "6"),
  ask(COUNT, "4", "four dogs", "six dogs"),
  ask("How long is the rope?", "4 m", "4 m", "6 m"),
  ask("What percentage is blue?", "40%", "40%", "60%"),
  ask("What is the price?", "$40", "$40", "$60"),
  ask("How old is he?", "40", "40 years", "60 years"),
  ask("What is x?", "2.5", "2.5", "3.5"),
  ask("What part is red?", "2/3", "2/3", "3/4"),
  ask("What is x?", "-8", "-8", "-7"),
  ask("What is the temperature?", "-3 °C", "-3 °C", "-5 °C"),
  ask("How long does it take?", "90 minutes", "90 minutes", "2 hours"),
  ask("What is the area?", "24 cm²", "24 cm^2", "30 cm^2"),
];
const ALL = [
  ...NUMBERS,
  ask(ANIMALS, "B", "B", "C"),
  ask(ANIMALS, "B", "dog", "cow"),
  ask("Is the door open?", "yes", "yes", "no"),
  ask("Is the door open?", "no", "no", "yes"),
  ask("What colour is it?", "red", "red", "blue"),
  ask("What animal is it?", "cow", "a cow", "a horse"),
  ask("What time is it?", "3:15", "3:15", "3:45"),
];
/** Questions whose right answer is little more than a "no", which a refusal has too. */
const DENIED = [
  ask("Is the door open?", "No"),
  ask("Is there a dog in the picture?", "No"),
  ask("Does the sign say stop?", "No"),
  ask("Are the lamps the same size?", "no"),
  ask(COUNT, "0"),
  ask("How many people wear glasses?", "0"),
  ask("What is in the box?", "nothing"),
  ask("Which one?\nA. cat\nB. none of these", "B"),
];

const sayingsIn = (name: string) =>
  readFileSync(new URL(`../../test/golden/answers/${name}.txt`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n");

describe.each([
  ["claims", ALL, 1],
  ["hedges", ALL, 0],
  ["bounds", NUMBERS, 0],
  ["refusals", DENIED, 0],
] as const)("%s", (name, questions, want) => {
  const sayings = sayingsIn(name);
  it.each(questions.map((each) => [each.question, each.x, each] as const))(
    "of %j: %j",
    (_, __, { question, answer, x, y }) => {
      // "Yes... no, no." is said by nobody.
      const said = sayings.filter((saying) => !(/^(?:yes|no)$/.test(answer) && want === 1 && /\bno\b/i.test(saying)));
      const responses = said.map((saying) =>
        saying
          .replaceAll("⏎", "\n")
          .replaceAll("@X", () => x)
          .replaceAll("@Y", () => y),
      );
      expect(responses.length).toBeGreaterThan(100);
      expect(responses.filter((response) => exactScore({ question, answer, response }) !== want)).toEqual([]);
    },
  );
});
