/**
 * @file Qwen2-VL's image processor: pixels to the patches and grid its vision tower takes. The reference is the Pillow
 * processor of transformers (`Qwen2VLImageProcessorPil`); pixels are resized as bytes, never as floats.
 */

import path from "node:path";
import { UserError } from "../errors.ts";
import type { ImageInput } from "../records.ts";
import { isObject, readJsonIfPresent } from "./files.ts";
import { type DecodedImage, sha256 } from "./image.ts";
import { type RgbImage, resizeBicubic } from "./resize.ts";

/** Mean and standard deviation of CLIP's pixels, per channel, on the 0..1 scale. */
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711] as const;

/** What `preprocessor_config.json` decides. */
export interface QwenImageConfig {
  readonly minPixels: number;
  readonly maxPixels: number;
  readonly patchSize: number;
  readonly mergeSize: number;
  readonly temporalPatchSize: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Resize first under the pixel limits of Qwen's `fetch_image`, then again under these: as the original's training did. */
  readonly doubleResize: boolean;
}

/** A user's wishes over what the checkpoint's files say. */
export type QwenImageOptions = Partial<Pick<QwenImageConfig, "minPixels" | "maxPixels" | "doubleResize">>;

/** Rules of `smartResize`: sides are multiples of `factor`, the area lies within the pixel limits. */
export interface ResizeLimits {
  readonly factor?: number;
  readonly minPixels: number;
  readonly maxPixels: number;
  /** A side is never rounded to zero before the limits are looked at (Qwen's `fetch_image`; transformers lets it). */
  readonly atLeastFactor?: boolean;
}

/** The pixel limits of `fetch_image` in Qwen's vision utilities. */
const FETCH_LIMITS: ResizeLimits = { minPixels: 4 * 28 ** 2, maxPixels: 16384 * 28 ** 2, atLeastFactor: true };

/**
 * The size an image is resized to, keeping its shape as nearly as multiples of `factor` allow. Pixels in, pixels out.
 * Throws `UserError` when one side is more than 200 times the other.
 */
export function smartResize(
  height: number,
  width: number,
  { factor = 28, minPixels, maxPixels, atLeastFactor = false }: ResizeLimits,
): { height: number; width: number } {
  const ratio = Math.max(height, width) / Math.min(height, width);
  if (ratio > 200)
    throw new UserError(
      `An image of ${width}x${height} pixels is ${Math.round(ratio)} times as long as wide; the model takes at most 200.`,
      "Crop or pad it.",
    );
  const least = atLeastFactor ? factor : 0;
  const rounded = (side: number) => Math.max(least, roundHalfEven(side / factor) * factor);
  const area = rounded(height) * rounded(width);
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    const floored = (side: number) => Math.max(factor, Math.floor(side / shrink / factor) * factor);
    return { height: floored(height), width: floored(width) };
  }
  if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    const raised = (side: number) => Math.ceil((side * grow) / factor) * factor;
    return { height: raised(height), width: raised(width) };
  }
  return { height: rounded(height), width: rounded(width) };
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Turns decoded images into `ImageInput`s. */
export class QwenImageProcessor {
  readonly config: QwenImageConfig;
  /** For each channel and byte its normalised value: byte / 255 rounded to float32, then mean and deviation in float32. */
  readonly #normalised: readonly Float32Array[];

  constructor(config: QwenImageConfig) {
    this.config = config;
    this.#normalised = [0, 1, 2].map((channel) => {
      const mean = Math.fround(config.mean[channel]!);
      const std = Math.fround(config.std[channel]!);
      return Float32Array.from({ length: 256 }, (_, byte) => Math.fround(Math.fround(byte * (1 / 255)) - mean) / std);
    });
  }

  /** As `preprocessor_config.json` of the checkpoint folder says. Throws `UserError` when that is missing or of another kind. */
  static load(dir: string, options: QwenImageOptions = {}): QwenImageProcessor {
    return new QwenImageProcessor(readConfig(dir, options));
  }

  /** Patches and grid of a decoded image file. */
  process(image: DecodedImage): ImageInput {
    const resized = this.#resize(image);
    const { patchSize } = this.config;
    return {
      pixels: this.#flatten(resized),
      grid_thw: [1, resized.height / patchSize, resized.width / patchSize],
      frame: {
        imageWidth: image.width,
        imageHeight: image.height,
        frameWidth: resized.width,
        frameHeight: resized.height,
      },
      sha256: image.sha256,
    };
  }

  /** Patches and grid of pixels that come from no file; they are named by the SHA-256 of their bytes. */
  processRgb(image: RgbImage): ImageInput {
    return this.process({ ...image, sha256: sha256(image.rgb) });
  }

  #resize(image: RgbImage): RgbImage {
    const { minPixels, maxPixels, patchSize, mergeSize, doubleResize } = this.config;
    const to = (from: RgbImage, limits: ResizeLimits) => {
      const size = smartResize(from.height, from.width, limits);
      return resizeBicubic(from, size.width, size.height);
    };
    const fetched = doubleResize ? to(image, FETCH_LIMITS) : image;
    return to(fetched, { factor: patchSize * mergeSize, minPixels, maxPixels });
  }

  /**
   * Patches [h*w, 3 * temporal * patch * patch]. Rows go (h/merge, w/merge, merge, merge), so that the patches merged
   * into one token are neighbours; values go (channel, frame, y, x), the single frame repeated.
   */
  #flatten({ width, height, rgb }: RgbImage): Float32Array {
    const { patchSize: size, mergeSize: merge, temporalPatchSize: frames } = this.config;
    const area = size * size;
    const out = new Float32Array(((height * width) / area) * 3 * frames * area);
    let to = 0;
    for (let blockY = 0; blockY < height; blockY += size * merge)
      for (let blockX = 0; blockX < width; blockX += size * merge)
        for (let patchY = blockY; patchY < blockY + size * merge; patchY += size)
          for (let patchX = blockX; patchX < blockX + size * merge; patchX += size)
            for (let channel = 0; channel < 3; channel++) {
              const values = this.#normalised[channel]!;
              const start = to;
              for (let y = patchY; y < patchY + size; y++) {
                let from = (y * width + patchX) * 3 + channel;
                for (let x = 0; x < size; x++, from += 3) out[to++] = values[rgb[from]!]!;
              }
              for (let frame = 1; frame < frames; frame++, to += area) out.copyWithin(to, start, start + area);
            }
    return out;
  }
}

function readConfig(dir: string, options: QwenImageOptions): QwenImageConfig {
  const nested = readJsonIfPresent(dir, "processor_config.json")?.image_processor;
  const own = readJsonIfPresent(dir, "preprocessor_config.json");
  const json = own ?? (isObject(nested) ? nested : undefined);
  if (json === undefined)
    throw new UserError(
      `${dir} has no preprocessor_config.json.`,
      "Download the checkpoint's processor files into it.",
    );
  const file = path.join(dir, own ? "preprocessor_config.json" : "processor_config.json");
  const type = String(json.image_processor_type ?? "Qwen2VLImageProcessor");
  if (!/^Qwen2(_5_)?VLImageProcessor(Fast|Pil)?$/.test(type))
    throw new UserError(`${file} names the image processor ${type}.`, "Qwen2VLImageProcessor is supported.");
  const number = (value: unknown, key: string, otherwise: number): number => {
    if (value === undefined || value === null) return otherwise;
    if (typeof value === "number" && value > 0) return value;
    throw new UserError(`${file}: ${key} is ${JSON.stringify(value)}, not a positive number.`, "Restore the file.");
  };
  const triple = (value: unknown, key: string, otherwise: readonly number[]): readonly number[] => {
    if (value === undefined || value === null) return otherwise;
    if (Array.isArray(value) && value.length === 3 && value.every((x) => typeof x === "number")) return value;
    throw new UserError(`${file}: ${key} is not a list of three numbers.`, "Restore the file.");
  };
  const size = isObject(json.size) ? json.size : {};
  const config = {
    minPixels:
      options.minPixels ?? number(json.min_pixels ?? size.shortest_edge ?? size.min_pixels, "min_pixels", 56 ** 2),
    maxPixels:
      options.maxPixels ??
      number(json.max_pixels ?? size.longest_edge ?? size.max_pixels, "max_pixels", 1280 * 28 ** 2),
    patchSize: number(json.patch_size, "patch_size", 14),
    mergeSize: number(json.merge_size, "merge_size", 2),
    temporalPatchSize: number(json.temporal_patch_size, "temporal_patch_size", 2),
    mean: triple(json.image_mean, "image_mean", CLIP_MEAN),
    std: triple(json.image_std, "image_std", CLIP_STD),
    doubleResize: options.doubleResize ?? false,
  };
  if (config.minPixels > config.maxPixels)
    throw new UserError(
      `The least number of pixels (${config.minPixels}) is above the largest (${config.maxPixels}).`,
      "Lower min_pixels or raise max_pixels.",
    );
  return config;
}
