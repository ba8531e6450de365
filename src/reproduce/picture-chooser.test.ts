import { expect, it } from "vitest";
import { box } from "../boxes.ts";
import { parseChain } from "../chain/parse.ts";
import { judgeSchema } from "../config/judge-settings.ts";
import { correlationSummary, pick } from "../probes/correlation.ts";
import { makeSample, plainFrame } from "../rewards/fixtures.ts";
import { chooserOf } from "./picture-chooser.ts";
import { fullSize, miniature } from "./scale.ts";
import type { Runs } from "./study.ts";

const exact = judgeSchema.parse({});
const { signal } = new AbortController();
const image = { width: 640, height: 480, rgb: new Uint8Array(640 * 480 * 3) };

it("in the scenes world picks by where things are: right for true boxes, by chance where neither fits", async () => {
  const chooser = await chooserOf({ scale: await miniature("qwen"), judge: exact, signal } as Runs);
  const chain = parseChain("<think> 100, 100, 160, 160 </think>", { space: "image", frame: plainFrame });
  const shareWith = async (...boxes: ReturnType<typeof box>[]) => {
    const sample = makeSample({ boxes: boxes as ReturnType<typeof box<"image">>[] });
    return correlationSummary(await pick(chooser, { sample, chain }, image, { repeats: 60, seed: 1 })).mean!;
  };
  expect(await shareWith(box("image", 100, 100, 160, 160))).toBe(1);
  expect(await shareWith()).toBeGreaterThan(0.3);
  expect(await shareWith()).toBeLessThan(0.7);
  expect(await shareWith(box("image", 400, 300, 600, 460))).toBeLessThan(0.5);
});

it("in full size is a service, and nobody else", async () => {
  const asked = { scale: await fullSize("qwen"), judge: exact, signal } as Runs;
  await expect(chooserOf(asked)).rejects.toThrow("The judge exact sees no pictures");
});
