import { describe, expect, it } from "vitest";
import { box } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import type { Frame } from "../records.ts";
import { makeSample } from "../rewards/fixtures.ts";
import { target } from "./finetune.ts";

// The paper's resize of a 640 x 480 image for Qwen2.5-VL.
const frame: Frame = { imageWidth: 640, imageHeight: 480, frameWidth: 504, frameHeight: 364 };
const boxes = [box("image", 0, 0, 320, 240), box("image", 100, 120, 200, 360)];

describe("what fine-tuning teaches", () => {
  it("is the true boxes in the model's space, then the answer", () => {
    const sample = makeSample({ boxes, answer: "2" });
    expect(target(sample, { boxSpace: "frame" }, frame)).toBe(
      '[{"bbox_2d": [0, 0, 252, 182]}, {"bbox_2d": [79, 91, 158, 273]}]\n<answer>\n2\n</answer>',
    );
    expect(target(sample, { boxSpace: "permille" }, frame)).toContain('{"bbox_2d": [0, 0, 500, 500]}');
    expect(target(makeSample({ boxes: [], answer: "0" }), { boxSpace: "frame" }, frame)).toBe(
      "[]\n<answer>\n0\n</answer>",
    );
  });

  it("is read back as it was meant", () => {
    const chain = parseChain(target(makeSample({ boxes, answer: "2" }), { boxSpace: "frame" }, frame), {
      space: "frame",
      frame,
    });
    expect(chain.answer).toBe("2");
    expect(chain.boxes.map(({ box }) => Math.abs(box.x1 - boxes[0]!.x1) < 1 || Math.abs(box.x1 - 100) < 1)).toEqual([
      true,
      true,
    ]);
  });

  it("is the answer's box in the model's space in a detection sample", () => {
    const sample = makeSample({ dataset: "ovd_position", boxes: [], answer: "[0, 0, 320, 240]" });
    expect(target(sample, { boxSpace: "frame" }, frame)).toBe("[]\n<answer>\n[0, 0, 252, 182]\n</answer>");
    expect(target(sample, { boxSpace: "permille" }, frame)).toContain("[0, 0, 500, 500]");
  });
});
