import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChain } from "../chain/parse.ts";
import { plainFrame } from "../rewards/fixtures.ts";
import { stream } from "../util/random.ts";
import { boxesRemoved, boxesShuffled, type Edit, forcedPrefix, intact, thinkingRemoved } from "./forced-prefix.ts";

const parse = (text: string) => parseChain(text, { space: "frame", frame: plainFrame });
const shuffled = boxesShuffled(stream(1, "test"));
const text =
  '<think>a cat (1, 2, 30, 40), a dog {"bbox_2d": [5, 6, 70, 80]} and 1,2,30,40</think>\n<rethink>the cat [1, 2, 30, 40] it is</rethink>\n<answer>yes</answer>';
const prefix = (edit: Edit, until: "<rethink>" | "<answer>", of = text) => forcedPrefix(parse(of), until, edit);

it("ends with its tag, and is the chain itself where nothing is edited", () => {
  for (const until of ["<rethink>", "<answer>"] as const)
    expect(prefix(intact, until)).toBe(text.slice(0, text.indexOf(until) + until.length));
});

it("removes boxes with their brackets, before the tag only", () => {
  expect(prefix(boxesRemoved, "<rethink>")).toBe('<think>a cat , a dog {"bbox_2d": } and </think>\n<rethink>');
  expect(prefix(boxesRemoved, "<answer>")).toBe(
    '<think>a cat , a dog {"bbox_2d": } and </think>\n<rethink>the cat  it is</rethink>\n<answer>',
  );
});

it("shuffles boxes so that equal ones stay equal", () => {
  expect(prefix(shuffled, "<answer>")).toBe(
    '<think>a cat (5, 6, 70, 80), a dog {"bbox_2d": [1, 2, 30, 40]} and 5, 6, 70, 80</think>\n<rethink>the cat [5, 6, 70, 80] it is</rethink>\n<answer>',
  );
});

it("empties thoughts and keeps their tags", () => {
  expect(prefix(thinkingRemoved, "<rethink>")).toBe("<think></think>\n<rethink>");
  expect(prefix(thinkingRemoved, "<answer>")).toBe("<think></think>\n<rethink></rethink>\n<answer>");
});

describe("there is no prefix", () => {
  it.each([
    ["without the tag", intact, "<rethink>", "<think>1, 2, 3, 4</think><answer>yes"],
    ["with the answer first", intact, "<rethink>", "<answer>yes<rethink>"],
    ["without boxes to remove", boxesRemoved, "<rethink>", "<think>a</think><rethink>1, 2, 3, 4<answer>"],
    ["with one box to shuffle", shuffled, "<answer>", "<think>1, 2, 3, 4 and 1,2,3,4</think><answer>"],
    ["without a thought to remove", thinkingRemoved, "<answer>", "<think></think>4, 3<answer>"],
  ] as const)("%s", (_, edit, until, given) => {
    expect(prefix(edit, until, given)).toBeUndefined();
  });
});

it("shuffling moves every box and invents none, removing leaves none", () => {
  const coordinate = fc.integer({ min: 0, max: 99 });
  const quad = fc.tuple(coordinate, coordinate, coordinate, coordinate).map((numbers) => numbers.join(", "));
  fc.assert(
    fc.property(fc.array(quad, { minLength: 2, maxLength: 6 }), fc.nat(), (quads, seed) => {
      fc.pre(new Set(quads).size > 1);
      const before = parse(`<think>${quads.map((each, i) => `thing ${i} [${each}]`).join(" ")}</think><answer>`);
      const after = parse(forcedPrefix(before, "<answer>", boxesShuffled(stream(seed, "test")))!);
      const written = (chain: typeof before) => chain.boxes.map(({ written: { x1, y1, x2, y2 } }) => [x1, y1, x2, y2]);
      for (const [i, numbers] of written(after).entries()) expect(numbers).not.toEqual(written(before)[i]);
      expect(new Set(written(after).map(String))).toEqual(new Set(written(before).map(String)));
      expect(parse(forcedPrefix(before, "<answer>", boxesRemoved)!).boxes).toEqual([]);
    }),
  );
});
