import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { syntheticRgb } from "../../test/golden/golden.ts";
import frames from "../../test/golden/images/frames.json" with { type: "json" };
import golden from "../../test/golden/images/images.json" with { type: "json" };
import sizes from "../../test/golden/images/smart_resize.json" with { type: "json" };
import { UserError } from "../util/errors.ts";
import { decodeImage, named, sha256 } from "./image.ts";
import { CLIP_MEAN, CLIP_STD, QwenImageProcessor, smartResize } from "./qwen-image.ts";
import { resizeBicubic } from "./resize.ts";

const FILES = path.join(import.meta.dirname, "../../test/golden/images/files");
const config = {
  minPixels: golden.min_pixels,
  maxPixels: golden.max_pixels,
  patchSize: 14,
  mergeSize: 2,
  temporalPatchSize: 2,
  mean: CLIP_MEAN,
  std: CLIP_STD,
  doubleResize: false,
};

describe("smartResize", () => {
  it.each(sizes)("equals transformers: $size under $pixels", ({ size, pixels, to }) => {
    const limits = { minPixels: pixels[0]!, maxPixels: pixels[1]! };
    expect(smartResize(size[0]!, size[1]!, limits)).toEqual({ height: to[0], width: to[1] });
  });

  it("gives multiples of the factor under the largest area, whatever the shape", () => {
    const side = fc.integer({ min: 28, max: 4000 });
    fc.assert(
      fc.property(side, side, (height, width) => {
        const to = smartResize(height, width, { minPixels: 3136, maxPixels: 200704 });
        expect([to.height % 28, to.width % 28]).toEqual([0, 0]);
        expect(to.height * to.width).toBeLessThanOrEqual(200704);
        expect(to.height * to.width).toBeGreaterThanOrEqual(784);
      }),
    );
  });

  it("refuses an image more than 200 times as long as wide", () => {
    expect(() => smartResize(3, 603, { minPixels: 3136, maxPixels: 200704 })).toThrow(/603x3/);
    expect(smartResize(3, 600, { minPixels: 3136, maxPixels: 200704 })).toEqual({ height: 28, width: 812 });
  });
});

describe("QwenImageProcessor", () => {
  it.each(Object.entries(golden.images))(
    "makes the pixel values of %s as transformers does",
    async (name, expected) => {
      const image = await decodeImage(path.join(FILES, name));
      const resized = resizeBicubic(image, expected.frame[0]!, expected.frame[1]!);
      expect(sha256(resized.rgb)).toBe(expected.resized);

      const input = new QwenImageProcessor(config).process(image);
      expect(input.grid_thw).toEqual(expected.grid_thw);
      const [frameWidth, frameHeight] = expected.frame;
      expect(input.frame).toEqual({ imageWidth: image.width, imageHeight: image.height, frameWidth, frameHeight });
      expect(input.pixels.length).toBe(input.grid_thw[1] * input.grid_thw[2] * 1176);
      expected.pixel_values.at.forEach((at, i) => {
        expect(Math.abs(input.pixels[at]! - expected.pixel_values.values[i]!)).toBeLessThanOrEqual(1e-6);
      });
    },
  );

  it.each(frames)(
    "makes of $size pixels what transformers does, under $pixels, fetched: $fetched",
    ({ size: [width = 0, height = 0], pixels: [minPixels = 0, maxPixels = 0], fetched, ...expected }) => {
      const processor = new QwenImageProcessor({ ...config, minPixels, maxPixels, doubleResize: fetched });
      const picture = named({ width, height, rgb: syntheticRgb(width, height) });
      if (expected.refused) return expect(() => processor.process(picture)).toThrow(UserError);
      const { frame, pixels } = processor.process(picture);
      expect([frame.frameWidth, frame.frameHeight]).toEqual(expected.frame);
      // The sample says how far off values are; the hash, that all of them are the same to the last bit.
      expected.at!.forEach((at, i) => {
        expect(Math.abs(pixels[at]! - expected.values![i]!)).toBeLessThanOrEqual(1e-6);
      });
      expect(sha256(new Uint8Array(pixels.buffer))).toBe(expected.sha256);
    },
    60_000,
  );

  it("resizes twice when asked: 640x480 to 644x476, then to 504x364", () => {
    const rgb = Uint8Array.from({ length: 640 * 480 * 3 }, (_, i) => (i * 37) % 251);
    const image = { width: 640, height: 480, rgb };
    const limits = { ...config, minPixels: 3136, maxPixels: 200704 };
    const once = new QwenImageProcessor(limits).process(named(image));
    const twice = new QwenImageProcessor({ ...limits, doubleResize: true }).process(named(image));
    expect(twice.frame).toEqual({ imageWidth: 640, imageHeight: 480, frameWidth: 504, frameHeight: 364 });
    const byHand = new QwenImageProcessor(limits).process(named(resizeBicubic(image, 644, 476)));
    expect(twice.pixels).toEqual(byHand.pixels);
    expect(twice.pixels).not.toEqual(once.pixels);
  });
});

describe("QwenImageProcessor.load", () => {
  const load = (json: unknown, options = {}, name = "preprocessor_config.json") => {
    const dir = mkdtempSync(path.join(tmpdir(), "grit-processor-"));
    try {
      if (json !== undefined) writeFileSync(path.join(dir, name), JSON.stringify(json));
      return QwenImageProcessor.load(dir, options).config;
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  it("reads every layout of the pixel limits", () => {
    const nested = { image_processor: { size: { shortest_edge: 784, longest_edge: 8000 } } };
    expect(load(nested, {}, "processor_config.json")).toMatchObject({ minPixels: 784, maxPixels: 8000 });
    expect(load({ min_pixels: 3136, max_pixels: 9000 })).toMatchObject({ minPixels: 3136, maxPixels: 9000 });
    expect(load({ size: { min_pixels: 784, max_pixels: 8000 } })).toMatchObject({ minPixels: 784, maxPixels: 8000 });
    expect(load({})).toMatchObject({ minPixels: 3136, maxPixels: 1003520, patchSize: 14, mean: CLIP_MEAN });
    expect(load({ size: { shortest_edge: 784, longest_edge: 8000 } })).toMatchObject({
      minPixels: 784,
      maxPixels: 8000,
    });
    expect(load({ min_pixels: 3136, max_pixels: 9000 }, { maxPixels: 4000 })).toMatchObject({ maxPixels: 4000 });
  });

  it("refuses another processor, bad numbers, limits the wrong way round, and no file", () => {
    expect(() => load({ image_processor_type: "CLIPImageProcessor" })).toThrow(/CLIPImageProcessor/);
    expect(() => load({ patch_size: "14" })).toThrow(/patch_size: .*"14"/);
    expect(() => load({ size: { height: 448, width: 448 } })).toThrow(
      /size: must be \{ shortest_edge, longest_edge \}/,
    );
    expect(() => load({ size: { shortest_edge: 448 } })).toThrow(/size: must be/);
    expect(() => load({ size: 448 })).toThrow(/size: must be/);
    expect(() => load({ max_pixels: 1e14 })).toThrow(/max_pixels: .*100000000000000/);
    expect(() => load({ min_pixels: 3136.5 })).toThrow(/min_pixels/);
    expect(() => load({ image_std: [0, 0.2, 0.2] })).toThrow(/image_std\.0/);
    expect(() => load({ image_mean: [0.5, 0.5] })).toThrow(/image_mean/);
    expect(() => load({ min_pixels: 9000, max_pixels: 3136 })).toThrow(UserError);
    expect(() => load(undefined)).toThrow(/preprocessor_config\.json/);
  });
});
