import { expect, it } from "vitest";
import { checkpointDir } from "../../test/commands.ts";
import { parseChain } from "../chain/parse.ts";
import { Tokenizer } from "../prompt/tokenizer.ts";
import { boxedThought, boxesRemoved, fullStops, othersBoxes, type ThoughtVariant, withBoxes } from "./boxed-thought.ts";

const tokenizer = Tokenizer.load(checkpointDir("tied"));
const frame = { imageWidth: 99, imageHeight: 99, frameWidth: 99, frameHeight: 99 };
const thoughtOf = (text: string) => boxedThought(parseChain(text, { space: "image", frame }));
const thought = thoughtOf("<think> é [1,2,30,40], (5, 6, 7, 8) </think><rethink> [9,9,10,10]<answer> 1")!;
const other = thoughtOf("<think> [50,60,70,80] </think><rethink>")!;

/** The text of a variant, and that of its places. */
function read(variant: ThoughtVariant) {
  const { ids, boxes } = variant(thought, other, tokenizer);
  return [tokenizer.decode(ids), tokenizer.decode(boxes.map((place) => ids[place]!)).replaceAll(" ", "")];
}

it("lays out a thought with its boxes, without them, with another's and with full stops, and knows their places", () => {
  expect(read(withBoxes)).toEqual([
    "<think> é [1,2,30,40], (5, 6, 7, 8) </think><rethink>",
    expect.stringMatching(/^\[1,2,30,40\],?\(5,6,7,8\)$/),
  ]);
  expect(read(boxesRemoved)).toEqual(["<think> é ,  </think><rethink>", ""]);
  expect(read(othersBoxes)).toEqual([
    "<think> é [50,60,70,80], [50,60,70,80] </think><rethink>",
    expect.stringMatching(/^\[50,60,70,80\],?\[50,60,70,80\]$/),
  ]);
  const [text, stops] = read(fullStops) as [string, string];
  expect(stops).toBe(".".repeat(withBoxes(thought, other, tokenizer).boxes.length));
  expect(text).not.toMatch(/\d/);
});

it("needs a box before a rethink", () => {
  expect(thoughtOf("<think> </think><rethink> [1,2,3,4] <answer>")).toBeUndefined();
  expect(thoughtOf("<think> [1,2,3,4] <answer> 1")).toBeUndefined();
});
