import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { box } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import type { RgbImage } from "../prompt/resize.ts";
import { makeSample, plainFrame } from "../rewards/fixtures.ts";
import { stream } from "../util/random.ts";
import { type Chooser, choicePrompt, correlationSummary, drawable, pick, randomBox } from "./correlation.ts";
import { drawBoxes } from "./draw-boxes.ts";

const chainOf = (text: string) => parseChain(text, { space: "frame", frame: plainFrame });
const white: RgbImage = { width: 40, height: 30, rgb: new Uint8Array(40 * 30 * 3).fill(255) };
const isRed = ({ width, rgb }: RgbImage, x: number, y: number) => rgb[(y * width + x) * 3 + 1] === 0;
const chain = chainOf("<think>a cat (2, 3, 20, 25)</think><rethink>2,3,20,25 it is</rethink><answer>1");
const seen = drawBoxes(white, [box("image", 2, 3, 20, 25)]).rgb;

/** Looks for the picture with the chain's box, and picks it or the other. */
const chooser = (right: boolean): Chooser => ({
  name: "test",
  choose: async (_, [first]) => (Buffer.from(first.rgb).equals(seen) === right ? 0 : 1),
});

describe("drawBoxes", () => {
  it("frames a box along its inside, three pixels thick, and leaves the rest and the original alone", () => {
    const drawn = drawBoxes(white, [box("image", 2, 3, 20, 25)]);
    for (const [x, y] of [
      [2, 3],
      [4, 10],
      [19, 24],
      [10, 5],
      [17, 14],
    ] as const)
      expect(isRed(drawn, x, y)).toBe(true);
    for (const [x, y] of [
      [1, 3],
      [5, 10],
      [20, 24],
      [10, 6],
      [16, 14],
      [10, 2],
    ] as const)
      expect(isRed(drawn, x, y)).toBe(false);
    expect(white.rgb.every((level) => level === 255)).toBe(true);
  });

  it("cuts off what lies outside, and draws nothing for a box without an area", () => {
    const drawn = drawBoxes(white, [box("image", 30, 20, 9000, 9000), box("image", 9, 9, 3, 3)]);
    expect(isRed(drawn, 39, 21)).toBe(true);
    expect(isRed(drawn, 39, 25)).toBe(false);
    expect(isRed(drawn, 5, 5)).toBe(false);
  });
});

describe("choicePrompt", () => {
  it("masks every coordinate, as the paper words it", () => {
    expect(choicePrompt(chain)).toBe(
      "Please decide which image has the bounding boxes that match the following description: " +
        "<think>a cat ([masked])</think><rethink>[masked] it is</rethink><answer>1\n" +
        'Reply with exactly "Image 0" or "Image 1".',
    );
  });
});

describe("randomBox", () => {
  it("has an area and lies inside, and reaches every edge", () => {
    const random = stream(1, "test");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (width, height) => {
        const { x1, y1, x2, y2 } = randomBox({ width, height }, random);
        expect(0 <= x1 && x1 < x2 && x2 <= width && 0 <= y1 && y1 < y2 && y2 <= height).toBe(true);
      }),
    );
    const many = Array.from({ length: 200 }, () => randomBox({ width: 4, height: 4 }, random));
    expect(new Set(many.map(({ x1, x2 }) => `${x1} ${x2}`)).size).toBe(10);
  });
});

describe("pick", () => {
  it("tells right from wrong, shows the right picture in either place, and draws anew in each repeat", async () => {
    const options = { repeats: 20, seed: 1 };
    const right = await pick(chooser(true), { sample: makeSample(), chain }, white, options);
    expect(right.every((each) => each.chosen === each.right)).toBe(true);
    expect(new Set(right.map((each) => each.right))).toEqual(new Set([0, 1]));
    const wrong = await pick(chooser(false), { sample: makeSample(), chain }, white, options);
    expect(wrong.every((each) => each.chosen !== each.right)).toBe(true);
    expect(right.map((each) => each.right)).toEqual(wrong.map((each) => each.right));
    const others = new Set<string>();
    await pick(
      {
        name: "collector",
        choose: async (_, pictures) => {
          for (const { rgb } of pictures) others.add(Buffer.from(rgb).toString("base64"));
          return 0;
        },
      },
      { sample: makeSample(), chain },
      white,
      options,
    );
    expect(others.size).toBeGreaterThan(15);
  });

  it("shows each drawable box once", () => {
    expect(drawable(chain)).toEqual([box("image", 2, 3, 20, 25)]);
    expect(drawable(chainOf("9, 9, 3, 3 and no more"))).toEqual([]);
  });
});

describe("correlationSummary", () => {
  const looks = (...rights: readonly (0 | 1)[][]) =>
    rights.flatMap((chosen, repeat) =>
      chosen.map((each, i) => ({ id: `${i}`, repeat, right: 1 as const, chosen: each })),
    );

  it("is the mean and deviation of the repeats' shares", () => {
    expect(correlationSummary(looks([1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]))).toEqual({
      n: 4,
      unscored: 0,
      repeats: [0.5, 1, 0.75],
      mean: 0.75,
      deviation: 0.25,
    });
    expect(correlationSummary(looks([1, 0]))).toMatchObject({ mean: 0.5, deviation: undefined });
  });

  it("has no score while a look gave no choice", () => {
    const picks = [...looks([1, 1]), { id: "2", repeat: 0, right: 0 as const, chosen: { unscored: "timed out" } }];
    expect(correlationSummary(picks)).toMatchObject({ n: 3, unscored: 1, mean: undefined });
  });
});
