import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChain } from "../chain/parse.ts";
import { type Piece, ReleasedText } from "./released-text.ts";

const CONTEXT = {
  space: "frame",
  frame: { imageWidth: 200, imageHeight: 100, frameWidth: 100, frameHeight: 50 },
} as const;
const token = (text: string, id = 0) => ({ id, logprob: -1, text, alternatives: [] });

/** What each token releases, and what the end does. */
function released(
  tokens: readonly string[],
  stop: readonly string[] = [],
  rest = "",
): { steps: string[][]; all: Piece[] } {
  const text = new ReleasedText(stop, CONTEXT);
  const steps = [...tokens.map((each, id) => text.push(token(each, id))), text.end(rest)];
  return { steps: steps.map((pieces) => pieces.map((piece) => piece.text)), all: steps.flat() };
}

describe("ReleasedText", () => {
  it("releases each token at once where nothing can change it", () => {
    expect(released(["a ", "7", " b"]).steps).toEqual([["a "], ["7"], [" b"], []]);
  });

  it("holds the digit that may be a box's last until another character shows it, and tells the box with it", () => {
    const { steps, all } = released(["[", "1", ", 2, 3", "0, ", "4", "5", "]", "."]);
    expect(steps).toEqual([["["], ["1"], [", 2, 3"], ["0, "], [], ["4"], ["5", "]"], ["."], []]);
    expect(all.map(({ boxes }) => boxes.map(({ box }) => [box.x1, box.y1, box.x2, box.y2]))).toEqual([
      ...[[], [], [], [], []],
      [[2, 4, 60, 90]],
      ...[[], []],
    ]);
  });

  it("tells a box that ends with the text", () => {
    const { steps, all } = released(["1, 2, 3, ", "4"]);
    expect(steps).toEqual([["1, 2, 3, "], [], ["4"]]);
    expect(all[1]!.boxes).toHaveLength(1);
  });

  it("tells no box of digits that run into a word", () => {
    expect(released(["1, 2, 3, 4", "px"]).all.flatMap(({ boxes }) => boxes)).toEqual([]);
  });

  it("cuts a stop text off, wherever the tokens cut it", () => {
    expect(released(["a", "b<", "/an", "swer> and more"], ["</answer>"]).steps).toEqual([["a"], [], [], ["b"], []]);
    expect(released(["a", "b<", "/an", "ts"], ["</answer>"]).steps).toEqual([["a"], [], [], ["b<", "/an", "ts"], []]);
    expect(released(["one two", " three"], ["two", "ne"]).steps).toEqual([["o"], [], []]);
  });

  it("gives the tokens of a character of several with the text they make", () => {
    const { all } = released(["", "", "é", "!"]);
    expect(all.map(({ text, tokens }) => [text, tokens.map(({ id }) => id)])).toEqual([
      ["é", [0, 1, 2]],
      ["!", [3]],
    ]);
  });

  it("ends with the text that no token told", () => {
    expect(released(["a", ""], [], "\uFFFD").all.map(({ text, tokens }) => [text, tokens.length])).toEqual([
      ["a", 1],
      ["\uFFFD", 1],
    ]);
  });

  it("joins to the text before its first stop, with every box of it once, in the piece that has its last digit", () => {
    const parts = fc.array(fc.constantFrom("1", "23", ", ", ",", " ", "x", "]", "[", "<a", "b>", "<rethink>", ""), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(parts, fc.subarray(["<ab>", ", 2", "x]", "<"]), (tokens, stop) => {
        const whole = tokens.join("");
        const at = Math.min(whole.length, ...stop.map((each) => whole.indexOf(each)).filter((index) => index >= 0));
        const { all } = released(tokens, stop);
        expect(all.map(({ text }) => text).join("")).toBe(whole.slice(0, at));
        const { boxes } = parseChain(whole.slice(0, at), CONTEXT);
        expect(all.flatMap((piece) => piece.boxes)).toEqual(boxes);
        let end = 0;
        for (const piece of all) {
          const start = end;
          end += piece.text.length;
          for (const box of piece.boxes) expect(start < box.end && box.end <= end).toBe(true);
        }
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
