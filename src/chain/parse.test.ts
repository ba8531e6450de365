import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { box } from "../boxes.ts";
import type { Frame } from "../records.ts";
import { findQuadruples, parseChain } from "./parse.ts";

const frame: Frame = { imageWidth: 640, imageHeight: 480, frameWidth: 504, frameHeight: 364 };
const parse = (text: string) => parseChain(text, { space: "frame", frame });
const numbers = (text: string) => findQuadruples(text).map((found) => found.numbers.join(" "));

describe("findQuadruples", () => {
  it.each([
    ["10.5, 2, 3, 4", ["5 2 3 4"]],
    ["-3, 4, 5, 6", ["3 4 5 6"]],
    ["1,2,3,4,5,6,7,8", ["1 2 3 4", "5 6 7 8"]],
    ["1, 2, 3, 4, 5", ["1 2 3 4"]],
    ["[[1,\n2,\t3,4]]", ["1 2 3 4"]],
    ["1 ,2,3,4", []],
    ["x1,2,3,4 1,2,3,4px _1,2,3,4", []],
    ["１,２,３,４ and 𝟏,𝟐,𝟑,𝟗", ["1 2 3 4", "1 2 3 9"]],
    ["1,\x1c2,\x853,\u30004", ["1 2 3 4"]],
    ["1,\ufeff2,3,4", []],
    ["9, 9, 1, 1", ["9 9 1 1"]],
    [`1,2,3,${"9".repeat(400)}`, [`1 2 3 ${Number.MAX_SAFE_INTEGER}`]],
  ])("%j", (text, expected) => expect(numbers(text)).toEqual(expected));
});

describe("parseChain", () => {
  it("finds the spans and boxes of a chain in form", () => {
    const chain = parse(
      "<think> a cat at [0, 0, 252, 182] </think><rethink> yes </rethink><answer>\n cat </answer> bye",
    );
    expect(chain).toMatchObject({
      think: " a cat at [0, 0, 252, 182] ",
      rethink: " yes ",
      answer: "cat",
      wellFormed: true,
    });
    const [found] = chain.boxes;
    expect(found).toMatchObject({ written: box("frame", 0, 0, 252, 182), box: box("image", 0, 0, 320, 240) });
    expect(chain.text.slice(found!.start, found!.end)).toBe("0, 0, 252, 182");
    expect(parse("<think>a</think><rethink>b</rethink><answer>c").wellFormed).toBe(true);
  });

  it.each([
    ["", undefined, undefined, undefined],
    ["no tags", undefined, undefined, undefined],
    ["<answer>", undefined, undefined, ""],
    ["<think>a</think><answer>1", "a", undefined, "1"],
    ["<rethink>b</rethink><think>a</think><answer>1", "a", undefined, "1"],
    ["<rethink>b</rethink><answer>1", undefined, "b", "1"],
    ["<answer>1</answer><think>a</think><rethink>b</rethink>", undefined, undefined, "1"],
    ["<think>a<rethink>b</rethink></think><answer>1", undefined, "b", "1"],
    ["<think>a<think>b</think><rethink>c</rethink><answer>1", undefined, "c", "1"],
    ["<think>a</think><rethink>b</rethink><answer>1<answer>2", "a", "b", "1<answer>2"],
    ["<think>a</think><think>b</think><rethink>c</rethink><answer>1", "a", "c", "1"],
  ])("is not in form: %j", (text, think, rethink, answer) => {
    expect(parse(text)).toMatchObject({ think, rethink, answer, wellFormed: false });
  });

  it("sees what is wrong with a box", () => {
    const flaws = (text: string) =>
      parse(text).boxes.map((b) =>
        [b.duplicate && "dup", b.degenerate && "flat", b.outOfBounds && "out"].filter(Boolean),
      );
    expect(flaws("1,2,3,4 1, 2, 3, 4 [3,4,1,2] 5,5,5,9 0,0,504,364 0,0,505,364 0,365,1,400")).toEqual([
      [],
      ["dup"],
      ["flat"],
      ["flat"],
      [],
      ["out"],
      ["out"],
    ]);
    // Naming a box again in the rethink is no flaw; naming it twice there is.
    expect(flaws("1,2,3,4 <rethink> 1,2,3,4 1,2,3,4")).toEqual([[], [], ["dup"]]);
  });

  it.each(["<think>", "</think>", "<rethink>", "<answer>", "<", "1", "1,", "1, ", "1,2,3,4 ", " ", "１,", "-1."])(
    "reads a hundred thousand characters of %j",
    (piece) => {
      const text = piece.repeat(1e5 / piece.length);
      const began = process.cpuUsage().user;
      const chain = parse(`${text}<think>${text}</think><answer>${text}`);
      expect(chain.text).toHaveLength(3 * text.length + "<think></think><answer>".length);
      // Milliseconds; minutes if each character were a new beginning.
      expect(process.cpuUsage().user - began).toBeLessThan(10e6);
    },
  );

  it("never fails, and its spans are its boxes", () => {
    const piece = fc.constantFrom(
      "<think>",
      "</think>",
      "<rethink>",
      "</rethink>",
      "<answer>",
      "</answer>",
      "1,2,3,4",
      "😀",
      " ",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ unit: "binary" })), { maxLength: 12 }), (pieces) => {
        const text = pieces.join("");
        const chain = parse(text);
        for (const b of chain.boxes) {
          expect(findQuadruples(text.slice(b.start, b.end))).toHaveLength(1);
          expect(b.beforeRethink).toBe(!text.slice(0, b.start).includes("<rethink>"));
        }
        if (chain.wellFormed) expect([chain.think, chain.rethink, chain.answer]).not.toContain(undefined);
      }),
    );
  });
});
