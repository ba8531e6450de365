import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadGolden, syntheticRgb } from "../../test/golden/golden.ts";
import golden from "../../test/golden/internvl/images.json" with { type: "json" };
import { UserError } from "../util/errors.ts";
import { decodeImage, named, sha256 } from "./image.ts";
import type { ImageOptions } from "./image-processor.ts";
import { IMAGENET_MEAN, IMAGENET_STD, InternVLImageProcessor, tileGrid } from "./internvl-image.ts";
import { resizeBicubic } from "./resize.ts";

const FILES = path.join(import.meta.dirname, "../../test/golden/images/files");

async function open(source: string | number[]) {
  if (typeof source === "string") return decodeImage(path.join(FILES, source), { alpha: "drop" });
  const [width, height] = source as [number, number];
  return named({ width, height, rgb: syntheticRgb(width, height) });
}

describe("InternVLImageProcessor", () => {
  it.each(golden)(
    "makes the tiles of $source, $tile pixels each, $limits of them, as transformers does",
    async ({ source, tile, limits, grid, tiles, canvas, at, values }) => {
      const image = await open(source);
      const [columns, rows] = grid as [number, number];
      expect(sha256(resizeBicubic(image, columns * tile, rows * tile).rgb)).toBe(canvas);

      const input = new InternVLImageProcessor({
        tileSize: tile,
        minTiles: limits[0]!,
        maxTiles: limits[1]!,
        thumbnail: true,
        patchSize: 14,
        mergeSize: 2,
        mean: IMAGENET_MEAN,
        std: IMAGENET_STD,
      }).process(image);
      expect(input.grid_thw).toEqual([tiles, tile / 14, tile / 14]);
      expect(input.frame).toEqual({
        imageWidth: image.width,
        imageHeight: image.height,
        frameWidth: columns * tile,
        frameHeight: rows * tile,
      });
      expect(input.pixels.length).toBe(tiles * tile * tile * 3);
      at.forEach((place, i) => {
        expect(Math.abs(input.pixels[place]! - values[i]!)).toBeLessThanOrEqual(1e-6);
      });
    },
  );

  it("property: as many tiles as allowed, whatever the shape", () => {
    const side = fc.integer({ min: 1, max: 3000 });
    const most = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, most, (width, height, maxTiles) => {
        const { columns, rows } = tileGrid(width, height, { tileSize: 448, minTiles: 1, maxTiles });
        expect(columns * rows).toBeGreaterThanOrEqual(1);
        expect(columns * rows).toBeLessThanOrEqual(maxTiles);
      }),
    );
  });
});

describe("InternVLImageProcessor, read from a folder", () => {
  /** The config read from a copy of a golden checkpoint with one of its files changed. */
  function load(name: string, file: string, change: (json: Record<string, unknown>) => void, options?: ImageOptions) {
    const dir = mkdtempSync(path.join(tmpdir(), "grit-processor-"));
    try {
      cpSync(loadGolden(name).dir, dir, { recursive: true });
      const json = JSON.parse(readFileSync(path.join(dir, file), "utf8"));
      change(json);
      writeFileSync(path.join(dir, file), JSON.stringify(json));
      const isOriginal = JSON.parse(readFileSync(path.join(dir, "config.json"), "utf8")).model_type === "internvl_chat";
      return (isOriginal ? InternVLImageProcessor.loadOriginal : InternVLImageProcessor.load)(dir, options).config;
    } finally {
      rmSync(dir, { recursive: true });
    }
  }
  const hf = (change: (json: Record<string, unknown>) => void, options?: ImageOptions) =>
    load("internvl/tied", "processor_config.json", change, options);
  const original = (change: (json: Record<string, unknown>) => void, options?: ImageOptions) =>
    load("internvl/original", "config.json", change, options);
  const asIs = () => {};

  it("reads both layouts, and a user's limits over theirs", () => {
    const shared = { minTiles: 1, thumbnail: true, patchSize: 7, mergeSize: 2, mean: IMAGENET_MEAN, std: IMAGENET_STD };
    expect(hf(asIs)).toEqual({ ...shared, tileSize: 28, maxTiles: 4 });
    expect(original(asIs)).toEqual({ ...shared, tileSize: 28, maxTiles: 12 });
    expect(hf(asIs, { minTiles: 2, maxTiles: 3 })).toMatchObject({ minTiles: 2, maxTiles: 3 });
    expect(original(asIs, { maxTiles: 2 })).toMatchObject({ maxTiles: 2 });
  });

  it("takes the original at its word: another tile size, no tiling, no thumbnail", () => {
    expect(original((json) => Object.assign(json, { force_image_size: 42 }))).toMatchObject({ tileSize: 42 });
    expect(original((json) => delete json.force_image_size)).toMatchObject({ tileSize: 28 });
    expect(original((json) => Object.assign(json, { dynamic_image_size: false }))).toMatchObject({ maxTiles: 1 });
    expect(original((json) => delete json.dynamic_image_size)).toMatchObject({ maxTiles: 1 });
    expect(original((json) => delete json.max_dynamic_patch)).toMatchObject({ maxTiles: 6 });
    expect(original((json) => delete json.use_thumbnail)).toMatchObject({ thumbnail: false });
    expect(original((json) => Object.assign(json, { use_thumbnail: false }))).toMatchObject({ thumbnail: false });
  });

  it("refuses another processor, files that contradict each other, and limits that cannot be met", () => {
    const image = (change: object) => (json: Record<string, unknown>) =>
      Object.assign(json.image_processor as object, change);
    expect(() => hf(image({ image_processor_type: "CLIPImageProcessor" }))).toThrow(/CLIPImageProcessor/);
    expect(() => hf(image({ max_patches: "many" }))).toThrow(/max_patches: .*"many"/);
    expect(() => hf(image({ size: { height: 28, width: 56 } }))).toThrow(/not square/);
    expect(() => hf((json) => Object.assign(json, { image_seq_length: 256 }))).toThrow(/256.*make 4 tokens/);
    expect(() => hf((json) => delete json.image_processor)).toThrow(/no preprocessor_config\.json/);
    expect(() => hf(image({ size: 448 }))).toThrow(/size: .*448/);
    expect(() => hf(image({ size: { shortest_edge: 448 } }))).toThrow(/size\.height/);
    expect(() => hf(image({ max_patches: 1e9 }))).toThrow(/max_patches: .*1000000000/);
    expect(() => hf(image({ image_std: [0.2, 0, 0.2] }))).toThrow(/image_std\.1/);
    expect(() => hf((json) => Object.assign(json, { image_processor: [] }))).toThrow(
      /image_processor is not an object/,
    );
    expect(() => original((json) => Object.assign(json, { dynamic_image_size: "no" }))).toThrow(/dynamic_image_size/);
    expect(() => original((json) => Object.assign(json, { force_image_size: 1e7 }))).toThrow(/force_image_size/);
    expect(() => original((json) => Object.assign(json, { force_image_size: 30 }))).toThrow(/30 pixels/);
    expect(() => hf(asIs, { maxTiles: 1e9 })).toThrow(/1000000000 tiles/);
    expect(() => hf(asIs, { minTiles: 5 })).toThrow(UserError);
    expect(() => hf(asIs, { maxPixels: 5000 })).toThrow(/image\.max_pixels.*InternVL3 has no such option/);
  });
});
