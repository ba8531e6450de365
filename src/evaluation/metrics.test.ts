import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { box } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import { exactJudge } from "../judge/exact.ts";
import type { Judge, Rater, RatingRequest } from "../judge/judge.ts";
import type { Frame, Sample, Space } from "../records.ts";
import { makeSample } from "../rewards/fixtures.ts";
import { accuracy, answerIoU, boxSetF1, detectionScore, goldScore, groundingIoU, measure } from "./metrics.ts";

// The paper's resize of a 640 x 480 image for Qwen2.5-VL.
const frame: Frame = { imageWidth: 640, imageHeight: 480, frameWidth: 504, frameHeight: 364 };
const chain = (text: string, space: Space = "frame") => parseChain(text, { space, frame });
const truth = box("image", 0, 0, 320, 240);
const sample = (fields: Partial<Sample> = {}) => makeSample({ boxes: [truth], ...fields });

describe("groundingIoU", () => {
  it("brings boxes to the image, where the original script compared them as they stood", () => {
    const perfect = chain("the cat [0, 0, 252, 182]");
    expect(groundingIoU(sample(), perfect, "rescaled")).toBe(1);
    expect(groundingIoU(sample(), perfect, "raw")).toBeCloseTo((252 * 182) / (320 * 240), 12);
  });

  it("scales 0-1000 boxes in both ways, raw with integers", () => {
    const thirds = chain("[0, 0, 333, 333]", "permille");
    expect(groundingIoU(sample(), thirds, "rescaled")).toBeCloseTo((213.12 * 159.84) / (320 * 240), 12);
    expect(groundingIoU(sample(), thirds, "raw")).toBeCloseTo((213 * 159) / (320 * 240), 12);
  });

  it("unites boxes of the whole response before comparing", () => {
    const said = chain("<think>0, 0, 252, 91</think><rethink>0, 91, 252, 182 and 0, 0, 252, 182</rethink><answer>1");
    expect(groundingIoU(sample(), said, "rescaled")).toBe(1);
  });

  it("skips samples without truth and gives 0 for no boxes", () => {
    expect(groundingIoU(sample({ boxes: [] }), chain("0, 0, 1, 1"), "rescaled")).toBeUndefined();
    expect(groundingIoU(sample(), chain("none"), "rescaled")).toBe(0);
    expect(groundingIoU(sample(), chain("9, 9, 1, 1"), "rescaled")).toBe(0);
  });
});

describe("boxSetF1", () => {
  it("counts distinct boxes once", () => {
    const said = chain("0,0,252,182 <rethink> 0,0,252,182");
    expect(boxSetF1(sample(), said)).toBe(1);
    expect(boxSetF1(sample(), chain("0,0,252,182 1,1,252,182"))).toBeCloseTo(2 / 3, 12);
    expect(boxSetF1(sample({ boxes: [] }), said)).toBeUndefined();
  });
});

describe("answerIoU", () => {
  const asked = (fields: Partial<Sample> = {}) => sample({ dataset: "refcoco", answer: "[0, 0, 320, 240]", ...fields });

  it.each([
    ["the box", "<answer> 0, 0, 252, 182", 1],
    ["half of it", "<answer> 0, 0, 252, 91", 0.5],
    ["a box elsewhere, and then the right one", "<answer> 300, 200, 500, 360 or 0, 0, 252, 182", 0],
    ["where it looked, and no box", "<think> 0, 0, 252, 182 </think> <answer> there", 0],
    ["no answer", "0, 0, 252, 182", 0],
    ["corners in the wrong order", "<answer> 252, 182, 0, 0", 0],
  ])("of %s", (_, text, expected) => {
    expect(answerIoU(asked(), chain(text), "answer")).toBeCloseTo(expected, 12);
  });

  it("reads the whole response where that is the answer, in the words of either family", () => {
    const json = chain('```json\n[{"bbox_2d": [0, 0, 252, 182], "label": "the cat"}]\n```');
    expect(answerIoU(asked(), json, "whole")).toBe(1);
    expect(answerIoU(asked(), chain("the cat[[0, 0, 500, 500]]", "permille"), "whole")).toBe(1);
  });

  it("compares with the exact box that the answer rounds, and with the answer where it is another", () => {
    const half = box("image", 0, 0, 160.4, 240.4);
    const left = chain("<answer> 0, 0, 126, 182");
    expect(answerIoU(asked({ boxes: [half], answer: "[0, 0, 160, 240]" }), left, "answer")).toBeCloseTo(
      (160 * 240) / (160.4 * 240.4),
      12,
    );
    expect(answerIoU(asked({ boxes: [half] }), left, "answer")).toBe(0.5);
  });

  it("is of detection samples with one true box", () => {
    expect(answerIoU(sample(), chain("<answer> 0, 0, 252, 182"), "answer")).toBeUndefined();
    expect(answerIoU(asked({ answer: "[0, 0, 1, 1] [2, 2, 3, 3]" }), chain("0, 0, 1, 1"), "whole")).toBeUndefined();
    expect(answerIoU(asked({ answer: "there", boxes: [] }), chain("0, 0, 1, 1"), "whole")).toBeUndefined();
  });
});

describe("detectionScore", () => {
  const ovd = (answer: string) => sample({ dataset: "ovd_position", answer, boxes: [] });

  it.each([
    ["0, 0, 252, 182", 1],
    ["0, 0, 252, 91", 0.1],
    ["0, 0, 252, 137", 0.6],
    ["0, 0, 252, 90", 0],
    ["0, 0, 252, 182 and 400, 300, 500, 360", 0.5],
    ["nothing", 0],
  ])("of %j is %d", (text, expected) => {
    expect(detectionScore(ovd("[0, 0, 320, 240]"), chain(text).boxes)).toBeCloseTo(expected, 12);
  });

  it("of the answer's boxes is the accuracy of detection samples, unscored without truth", async () => {
    const sample = ovd("[0, 0, 320, 240]");
    const looked = chain("<think> 0, 0, 252, 180 </think> <answer> 0, 0, 252, 182");
    expect(await accuracy(sample, looked, exactJudge, "answer")).toBe(1);
    expect(await accuracy(sample, looked, exactJudge, "whole")).toBe(0.5);
    expect(await accuracy(sample, chain("0, 0, 252, 182"), exactJudge, "answer")).toBe(0);
    expect(await accuracy(sample, chain("0, 0, 252, 182"), exactJudge, "whole")).toBe(1);
    expect(await accuracy(ovd("top left"), chain("0, 0, 1, 1"), exactJudge, "answer")).toEqual({
      unscored: "a detection sample without a true box",
    });
  });

  it("of a sample's own answer is full marks only where it has exactly one box", async () => {
    expect(await goldScore(ovd("[0, 0, 320, 240]"), exactJudge)).toBe(1);
    expect(await goldScore(ovd("[0, 0, 320, 240] [1, 2, 3, 4]"), exactJudge)).toBe(0.5);
    expect(await goldScore(ovd("top left"), exactJudge)).toEqual({ unscored: "a detection sample without a true box" });
    expect(await goldScore(sample({ answer: "yes" }), exactJudge)).toBe(1);
  });
});

describe("accuracy", () => {
  it("judges what stands after the tag, or all of it", async () => {
    expect(await accuracy(sample(), chain("<think>3</think><answer>2</answer>"), exactJudge, "answer")).toBe(1);
    expect(await accuracy(sample(), chain("2"), exactJudge, "answer")).toBe(0);
    expect(await accuracy(sample(), chain("2"), exactJudge, "whole")).toBe(1);
  });

  it("judges by the sample's own choices and kind of answer", async () => {
    const which = sample({ question: "Which animal is it?", answer: "B", choices: ["cat", "dog"] });
    expect(await accuracy(which, chain("<answer> a dog"), exactJudge, "answer")).toBe(1);
    // Four numbers are a box, unless the line says that they are a list; these two would pass as one box.
    const numbers = { question: "In what order?", answer: "[0, 0, 10, 20]" };
    const said = chain("<answer> [0, 0, 10, 19]");
    expect(await accuracy(sample(numbers), said, exactJudge, "answer")).toBe(1);
    expect(await accuracy(sample({ ...numbers, answerType: "list" }), said, exactJudge, "answer")).toBe(0);
  });

  it("keeps a judge's shades and its silence", async () => {
    const half: Judge = { name: "half", judge: async () => 0.5 };
    const silent: Judge = { name: "silent", judge: async () => ({ unscored: "timed out" }) };
    expect(await accuracy(sample(), chain("<answer>2"), half, "answer")).toBe(0.5);
    expect(await accuracy(sample(), chain("<answer>2"), silent, "answer")).toEqual({ unscored: "timed out" });
  });
});

describe("boxSetF1 and groundingIoU", () => {
  const corner = (limit: number) => fc.integer({ min: 0, max: limit });
  const quad = fc.tuple(corner(504), corner(364), corner(504), corner(364));
  const written = (quads: readonly (readonly number[])[]) => quads.map((each) => `[${each.join(", ")}]`).join(" ");

  it("lie in [0, 1] and do not see the order in which boxes are said or listed", () => {
    fc.assert(
      fc.property(fc.array(quad, { maxLength: 6 }), fc.array(quad, { minLength: 1, maxLength: 4 }), (said, true_) => {
        const boxes = true_.map((each) => box("image", ...each));
        const [forth, back] = [chain(written(said)), chain(written([...said].reverse()))];
        const [listed, reversed] = [sample({ boxes }), sample({ boxes: [...boxes].reverse() })];
        const values = [groundingIoU(listed, forth, "rescaled")!, boxSetF1(listed, forth)!];
        for (const value of values) expect(Math.abs(value - 0.5)).toBeLessThanOrEqual(0.5);
        expect(groundingIoU(reversed, back, "rescaled")).toBeCloseTo(values[0]!, 12);
        expect(boxSetF1(reversed, back)).toBe(values[1]);
      }),
    );
  });
});

it("measures all of a sample", async () => {
  const said = chain("<think>0,0,252,182 0,0,252,182 9,9,1,1 900,0,901,9</think><rethink>two</rethink><answer>2");
  const metrics = await measure(sample(), said, exactJudge, "answer");
  expect(metrics).toMatchObject({ acc: 1, rating: undefined, yesNo: undefined, choice: undefined });
  expect(metrics).toMatchObject({ boxes: 4, duplicateBoxes: 1, degenerateBoxes: 1, outOfBoundsBoxes: 1 });
  expect(metrics.giou).toBeLessThan(1);
});

it("lets a rater rate what was answered, also nothing, and gives no accuracy", async () => {
  const asked: RatingRequest[] = [];
  const rater: Rater = { name: "mmhal", rate: async (request) => asked.push(request) };
  const rated = (text: string) => measure(sample({ keyWords: ["Bus", "Road"] }), chain(text), rater, "answer");
  expect(await rated("<answer>2")).toMatchObject({ acc: undefined, rating: 1 });
  expect(await rated("no tag")).toMatchObject({ acc: undefined, rating: 2 });
  const { question, answer } = sample();
  const told = { question, answer, imageContents: ["Bus", "Road"] };
  expect(asked).toEqual([
    { ...told, response: "2" },
    { ...told, response: "" },
  ]);
});
