import { describe, expect, it } from "vitest";
import { box } from "../boxes.ts";
import type { Frame } from "../records.ts";
import { makeSample } from "../rewards/fixtures.ts";
import { answerIn, isFound } from "./detection.ts";
import { parseChain } from "./parse.ts";

const frame: Frame = { imageWidth: 640, imageHeight: 480, frameWidth: 504, frameHeight: 364 };
const sample = makeSample({ dataset: "ovd_position", answer: "[0, 0, 320, 240]" });
const answering = (text: string, think = "10, 10, 20, 20") =>
  parseChain(`<think> ${think} </think>\n<rethink> </rethink>\n<answer>\n${text}`, { space: "frame", frame });

describe("the answer to a detection sample", () => {
  it("as a model writes it is in the model's space, and found again", () => {
    expect(answerIn("frame", sample, frame)).toBe("[0, 0, 252, 182]");
    expect(answerIn("permille", sample, frame)).toBe("[0, 0, 500, 500]");
    expect(answerIn("frame", makeSample({ answer: "two" }), frame)).toBe("two");
    expect(isFound(sample, answering(answerIn("frame", sample, frame)))).toBe(true);
  });

  it.each([
    ["[0, 0, 252, 100]", true], // IoU 0.55
    ["[0, 0, 252, 85]", false], // IoU 0.47
    ["[0, 0, 252, 182] or [0, 0, 252, 182]", false],
    ["top left", false],
  ])("%s is found: %s", (text, found) => expect(isFound(sample, answering(text))).toBe(found));

  it("is not what a chain has thought of, and not known without a true box", () => {
    expect(isFound(sample, answering("there", "0, 0, 252, 182"))).toBe(false);
    const unmarked = makeSample({ dataset: "ovd_position", answer: "top left" });
    expect(isFound(unmarked, answering("[0, 0, 252, 182]"))).toBeUndefined();
    expect(isFound({ ...unmarked, boxes: [box("image", 0, 0, 320, 240)] }, answering("[0, 0, 252, 182]"))).toBe(true);
  });
});
