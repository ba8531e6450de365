import { describe, expect, test } from "vitest";
import { advantages } from "../objective/advantage.ts";
import type { Group, Sample, Score } from "../records.ts";
import { chainOf, makeRollout } from "../rewards/fixtures.ts";
import { answersOtherwise } from "./rethink-value.ts";
import { signsOf } from "./signs.ts";

/** A group of chains, each with the terms of its reward. */
function groupOf(chains: readonly (readonly [text: string, terms: Record<string, Score>])[], sample = {}): Group {
  const totals = chains.map(([, terms]) => Object.values(terms).reduce<number>((sum, term) => sum + Number(term), 0));
  const [A] = advantages([totals], "group");
  const rollouts = chains.map(([text, terms], k) => ({
    completion: { ids: [1], logprobs: [-1], text, ending: "stop" as const },
    chain: makeRollout(text, sample).chain,
    scores: { terms, total: totals[k]! },
    advantage: A![k]!,
  }));
  return { sample: makeRollout("", sample).sample, prompt: { ids: [], images: [] }, rollouts };
}

const scored = (...answers: number[]) => groupOf(answers.map((answer) => ["<answer> 2", { answer }] as const));

test("groups that teach nothing are told by their answers", () => {
  const tie = groupOf([
    ["", { answer: 1, format: 0 }],
    ["", { answer: 0, format: 1 }],
  ]);
  expect(signsOf([scored(0, 1), scored(1, 1), scored(0, 0), scored(0, 0), tie])).toMatchObject({
    chains: 10,
    groups: { all: 5, alike: 4, alikeRight: 1, alikeWrong: 2 },
  });
});

describe("boxes", () => {
  const boxed = (boxes: readonly string[], sample: Partial<Sample> = {}) =>
    signsOf([groupOf([[chainOf(boxes, "2"), { answer: 1 }]], sample)]).boxed;

  test.each([
    [[], { all: 0, repeated: 0, wholeImage: 0 }],
    [["[10, 10, 90, 90]", "[200, 10, 280, 90]"], { all: 1, repeated: 0, wholeImage: 0 }],
    [["[10, 10, 90, 90]", "[10, 10, 90, 90]"], { all: 1, repeated: 1, wholeImage: 0 }],
    [["[10, 10, 90, 90]", "[11, 10, 91, 90]"], { all: 1, repeated: 1, wholeImage: 0 }],
    [["[10, 10, 90, 90]", "[40, 10, 120, 90]"], { all: 1, repeated: 0, wholeImage: 0 }],
    [["[0, 0, 640, 480]"], { all: 1, repeated: 0, wholeImage: 1 }],
    [["[5, 5, 9000, 9000]"], { all: 1, repeated: 0, wholeImage: 1 }],
    [["[0, 0, 640, 240]"], { all: 1, repeated: 0, wholeImage: 0 }],
  ])("%j", (boxes, wanted) => {
    expect(boxed(boxes)).toEqual(wanted);
  });

  test("a box named again in the rethink is no repetition, and one over an image that its object fills is none too many", () => {
    const again = "<think> [10, 10, 90, 90] </think> <rethink> [10, 10, 90, 90] </rethink> <answer> 2";
    expect(signsOf([groupOf([[again, {}]])]).boxed).toMatchObject({ all: 1, repeated: 0 });
    const truth = [{ space: "image" as const, x1: 10, y1: 20, x2: 630, y2: 470 }];
    expect(boxed(["[0, 0, 640, 480]"], { boxes: truth }).wholeImage).toBe(0);
  });
});

describe("an answer against its rethink", () => {
  const count = "How many red crosses are there?";
  const yesNo = "Is the cat left of the dog?";
  const options = "What is it?\n(A) cat (B) dog";

  test.each([
    [count, "There are 5 red crosses.", "5", false],
    [count, "There are 5 red crosses.", "4", true],
    [count, "There are five red crosses.", "5", false],
    [count, "I see three. There is 1 red cross.", "3", true],
    [count, "So the answer is 3", "2", true],
    [count, "3", "3", false],
    [count, "At 10, 20, 30, 40 there are 2 crosses.", "3", true],
    [yesNo, "The cat is at the left, so the answer is yes.", "no", true],
    [yesNo, "Yes, the cat is at the left.", "yes", false],
    [yesNo, "It is right of it, so no.", "yes", true],
    [options, "Therefore B.", "B", false],
    [options, "The answer is (A).", "B", true],
    [options, "The answer is (A).", "cat", false],
  ])("%j: %j and then %j", (question, rethink, answer, otherwise) => {
    expect(answersOtherwise({ question }, { rethink, answer })).toBe(otherwise);
  });

  test.each([
    [count, "The answer is clear.", "5"],
    [count, "The 2 dogs are on the left.", "3"],
    [count, "There are 3 red crosses and 2 blue ones.", "2"],
    [count, "There may be no more than what I saw.", "2"],
    [yesNo, "85 is more than 47, so below; the question: below.", "yes"],
    [yesNo, "No dog is near the cat.", "yes"],
    [yesNo, "It is hard to say.", "no"],
    ["What colour is the car?", "The car is red.", "blue"],
    [options, "A dog is what I see.", "A"],
    [count, undefined, "5"],
    [count, "There are 5 red crosses.", undefined],
  ])("%j: nothing can be told from %j beside %j", (question, rethink, answer) => {
    expect(answersOtherwise({ question }, { rethink, answer })).toBeUndefined();
  });

  test("is counted", () => {
    const text = (n: number) => `<think> I look. </think> <rethink> There are ${n} cats. </rethink> <answer> 2`;
    expect(signsOf([groupOf([2, 3, 4].map((n) => [text(n), {}] as const))]).rethink).toEqual({ all: 3, otherwise: 2 });
  });
});

test("the judge is held against the rule where both have a verdict", () => {
  const lost = { unscored: "the judge was out" };
  const group = groupOf([
    ["<answer> 2", { answer: 1 }],
    ["<answer> two", { answer: 0 }],
    ["<answer> 3", { answer: 1 }],
    ["<answer> 2", { answer: lost }],
    ["no answer", { answer: 0 }],
  ]);
  expect(signsOf([group]).judged).toEqual({ all: 3, judge: 2, rule: 2, both: 1, refuted: 1, pardoned: 1 });
  const detection = groupOf([["<answer> [1, 2, 3, 4]", { answer: 0 }]], { dataset: "ovd_position" });
  expect(signsOf([detection]).judged.all).toBe(0);
});

test("terms are correlated within their groups, whatever the groups' means", () => {
  const group = (base: number) =>
    groupOf([
      ["", { answer: base + 1, length: 0, still: 0.3 }],
      ["", { answer: base, length: 1, still: 0.3 }],
      ["", { answer: base + 0.5, length: 0.5, still: 0.3 }],
    ]);
  const { correlations } = signsOf([group(0), group(100)]);
  expect(correlations).toEqual({
    "answer, length": expect.closeTo(-1, 9),
    "answer, still": null,
    "length, still": null,
  });
});
