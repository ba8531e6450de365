import { describe, expect, it } from "vitest";
import { exactJudge, isRight } from "./exact.ts";

const verdict = (answer: string, response: string, question = "What is it?", choices?: string[]) =>
  exactJudge.judge({ question, answer, response, choices });

const animals = "Which animal is it? (A) cat (B) dog (C) cow";

describe("the exact judge", () => {
  it.each([
    ["yes", "Yes"],
    ["Yes", "Yes, it is"],
    ["No", "No."],
    ["No", "no, there is no dog."],
    ["No", "There is no dog."],
    ["No", "It is not"],
    ["Yes", "The answer is yes."],
    ["True", "yes"],
    ["2", "2"],
    ["2", "two"],
    ["2", "Two dogs."],
    ["2", "There are 2 cats."],
    ["2", "**2**"],
    ["2", "2.0"],
    ["two", "2"],
    ["0", "zero"],
    ["0", "There are none."],
    ["0", "No dogs"],
    ["21", "twenty-one"],
    ["1234", "1,234"],
    ["120", "one hundred and twenty"],
    ["7", "3 + 4 = 7"],
    ["7", "I counted 3 and 4, so the answer is 7."],
    ["1/2", "0.5"],
    ["0.5", "1/2"],
    ["½", "one half"],
    ["1 1/2", "1.5"],
    ["1/3", "0.33"],
    ["1.2", "1.21"],
    ["50%", "50"],
    ["50%", "0.5"],
    ["50 percent", "50%"],
    ["5 cm", "5 centimeters"],
    ["5 cm", "5"],
    ["5", "5 cm"],
    ["$3", "3 dollars"],
    ["-3", "−3"],
    ["cow", "Cow."],
    ["cow", "a cow"],
    ["cow", "The animal is a cow."],
    ["hot dog", "hot-dog"],
    ["on the left", "On left"],
    ["don't know", "dont know"],
    ["7 up", "7-Up"],
    ["B", "B"],
    ["B", "(B)"],
    ["B", "b."],
    ["B", "B. dog"],
    ["B", "The answer is B"],
    ["[10, 20, 110, 220]", "(12, 20, 110, 222)"],
    ["10", "The age gap between the two people is 10 years."],
    ["2", "There are 3 rows and 4 seats. Therefore, there are **2** seats in each of the 3 rows."],
    ["2", "So x = 1/2 of 4 = 2."],
    ["5", "\\boxed{5} of the 7 are red"],
    ["1 m", "100 cm"],
    ["[2, 0.5]", "2 and 0.5"],
    ["No", "Yes, it seems so at first. But the answer is no."],
  ])("%j is answered by %j", async (answer, response) => expect(await verdict(answer, response)).toBe(1));

  it.each([
    ["yes", ""],
    ["yes", "No, yes"],
    ["yes", "maybe"],
    ["yes", "There are yes and no parts"],
    ["no", "Yes, there is no doubt"],
    ["no", "It is to the left"],
    ["2", "3"],
    ["2", "1 2 3 4 5"],
    ["2", "2 or 3"],
    ["2", "12"],
    ["2", "2.5"],
    ["2", "one"],
    ["0", "I cannot see any"],
    ["12", "1, 2"],
    ["1.2", "1.26"],
    ["2", "2.04"],
    ["1/3", "0.3"],
    ["5 cm", "5 m"],
    ["50%", "5"],
    ["cow", "It is not a cow"],
    ["cow", "cow, dog, cat"],
    ["cow", "cows"],
    ["cow", "dog"],
    ["red car", "car"],
    ["B", "A dog and B"],
    ["B", "(A) or (B)"],
    ["A", "a dog"],
    ["[10, 20, 110, 220]", "(200, 20, 310, 220)"],
    ["[10, 20, 110, 220]", "(10, 20, 110, 220) (200, 20, 310, 220)"],
    ["[10, 20, 110, 220]", "no box"],
    ["5", "two and three"],
    ["2", "**1** **2** **3**"],
    ["2", "As an AI I am unable to view the image. What is known of these two people?"],
    ["No", "The image does not provide enough information."],
    ["[2, 0.5]", "0.5 and 2"],
  ])("%j is not answered by %j", async (answer, response) => expect(await verdict(answer, response)).toBe(0));

  it.each([
    ["B", "B", 1],
    ["B", "dog", 1],
    ["B", "It is a dog.", 1],
    ["dog", "(B)", 1],
    ["dog", "B) dog", 1],
    ["(B)", "option B", 1],
    ["B", "cat", 0],
    ["dog", "C", 0],
    ["dog", "(A) cat or (B) dog", 0],
    ["dog", "a dog", 1],
    ["dog", "The answer is A. No: the answer is B.", 1],
    ["dog", "The correct option is B (dog).", 1],
    ["dog", "It barks.\nB", 1],
    ["dog", "答案是(B)", 1],
    ["dog", "Look at its ears. It must be the dog.", 1],
    ["cat", "(A) cat or (B) dog", 0],
    ["cat", "The answer is A or B", 0],
    ["dog", "It is not a dog.", 0],
    ["dog", "A cat and a dog.", 0],
  ])("reads the options in the question: %j, %j", async (answer, response, expected) => {
    expect(await verdict(answer, response, animals)).toBe(expected);
    expect(await verdict(answer, response, "Which?", ["cat", "dog", "cow"])).toBe(expected);
  });

  it("takes an option that is itself a letter or a number by its text first", async () => {
    expect(await verdict("B", "B", "Which letter?", ["B", "A"])).toBe(1);
    expect(await verdict("4", "4", "How many?", ["2", "4"])).toBe(1);
    expect(await verdict("4", "four", "How many?", ["2", "4"])).toBe(1);
    expect(await verdict("No", "(B)", "Is it?\nA. Yes\nB. No")).toBe(1);
  });

  it("leaves unscored what is said in other words than a sentence", async () => {
    const answer = "There is a red bus on the street, and two people wait beside it.";
    expect(await verdict(answer, answer.toLowerCase())).toBe(1);
    expect(await verdict(answer, "A bus and two people.")).toEqual({ unscored: expect.stringContaining("a sentence") });
    expect(await verdict(answer, "")).toBe(0);
    expect(await verdict(answer, "A ship", `What is it?\n(A) ${answer}\n(B) A boat`)).toBe(0);
  });

  it("knows what it cannot tell, and calls that wrong", async () => {
    const told = (answer: string, response: string) => isRight({ question: "What is it?", answer, response });
    for (const [answer, response] of [
      ["cow", "a bovine animal"],
      ["2", "2 or 3"],
      ["2", "a couple"],
      ["yes", "The bed is larger than the cat."],
      ["2", "I cannot view the image. These two people may be of one age."],
    ] as const) {
      expect([response, told(answer, response)]).toEqual([response, undefined]);
      expect(await verdict(answer, response)).toBe(0);
    }
    expect(told("2", "3 or 4")).toBe(false);
    expect(told("2", "")).toBe(false);
    expect(told("no", "There is not enough information to tell.")).toBe(false);
  });
});
