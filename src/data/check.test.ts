import { expect, test } from "vitest";
import { box } from "../boxes.ts";
import type { Sample } from "../records.ts";
import { checkSamples, describe } from "./check.ts";

const sample = (id: string, fields: Partial<Sample> = {}): Sample => ({
  id,
  image: `${id}.png`,
  question: "Is it red?",
  answer: "yes",
  boxes: [],
  width: 10,
  height: 10,
  dataset: "vsr",
  task: "answer",
  split: "train",
  ...fields,
});

const sound = { decode: async () => {}, judge: async () => 1 };

test("sound samples pass", async () => {
  await expect(checkSamples([sample("a"), sample("b")], sound)).resolves.toBeUndefined();
});

test("images that do not decode and answers that do not score are named", async () => {
  const samples = [sample("a"), sample("b", { image: "a.png" }), sample("c"), sample("d")];
  const decode = async (image: string) => {
    if (image === "a.png") throw new Error("a.png is truncated\nmore");
  };
  const judge = async ({ id }: Sample) => (id === "c" ? 0 : id === "d" ? { unscored: "no words" } : 1);
  await expect(checkSamples(samples, { decode, judge })).rejects.toThrow(
    /3 faults\n {2}a\.png: a\.png is truncated\n {2}c: its own answer "yes" scores 0 of 1\n {2}d: .*cannot be judged \(no words\)/,
  );
});

test.each([
  ["Which way?\n\nA. Left\nB. Right", true],
  ["Which?\nOptions: A: red, B: blue", true],
  ["Which? (A) red (B) blue", true],
  ["Is vitamin A. in it? And B. too?", false],
])("%j lists options: %s", (question, lists) => {
  expect(describe([sample("a", { question, answer: "A" })])[0]!.choice).toBe(lists ? 1 : 0);
});

test("an item with choices is one of choice, listed or not", () => {
  const asked = { question: "Which way?", answer: "left" };
  const of = (choices: string[]) => describe([sample("a", { ...asked, choices })])[0]!.choice;
  expect([of(["left", "right"]), of([])]).toEqual([1, 0]);
});

test("each data set is described by the columns of table 2", () => {
  const vsr = [
    sample("a", { boxes: [box("image", 0, 0, 5, 10), box("image", 0, 0, 5, 5)] }),
    sample("b", { image: "a.png", answer: "a red one" }),
  ];
  const maths = sample("m", { dataset: "mathvista_mini", question: "How many?\nChoices:\n(A) 1\n(B) 2", answer: "2" });
  expect(describe([...vsr, maths])).toEqual([
    {
      dataset: "vsr",
      items: 2,
      images: 1,
      questionLength: 3,
      answerLength: 2,
      choice: 0.5,
      boxes: 2,
      grounded: 0.5,
    },
    {
      dataset: "mathvista_mini",
      items: 1,
      images: 1,
      questionLength: 7,
      answerLength: 1,
      choice: 1,
      boxes: undefined,
      grounded: undefined,
    },
  ]);
});
