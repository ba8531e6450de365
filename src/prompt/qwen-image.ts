/**
 * @file Qwen2-VL's image processor: turns pixels into the patches and grid that its vision tower takes. The reference is the Pillow
 * processor of transformers (`Qwen2VLImageProcessorPil`); pixels are resized as bytes, never as floats.
 */

import { z } from "zod";
import type { ImageInput, ImageLayout } from "../records.ts";
import { UserError } from "../util/errors.ts";
import type { DecodedImage } from "./image.ts";
import {
  area,
  deviation,
  type ImageOptions,
  type ImageProcessor,
  ProcessorFile,
  perChannel,
  refuseUnknown,
  withDefault,
} from "./image-processor.ts";
import { flatten, normalisation, type PatchLayout } from "./patches.ts";
import { type RgbImage, resizeBicubic } from "./resize.ts";

/** Mean and standard deviation of CLIP's pixels, per channel, on the 0..1 scale. */
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711] as const;

/** The settings from `preprocessor_config.json`. */
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

/** Rules of `smartResize`: sides are multiples of `factor`, the area lies within the pixel limits. */
export interface ResizeLimits {
  readonly factor?: number;
  readonly minPixels: number;
  readonly maxPixels: number;
  /** Round a side up from zero before the limits are applied (as Qwen's `fetch_image` does, but not transformers). */
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
export class QwenImageProcessor implements ImageProcessor {
  readonly alpha = "white";
  readonly limit = "image.max_pixels";
  readonly least = "image.min_pixels";
  readonly config: QwenImageConfig;
  readonly #patches: PatchLayout;

  constructor(config: QwenImageConfig) {
    this.config = config;
    this.#patches = {
      size: config.patchSize,
      merge: config.mergeSize,
      frames: config.temporalPatchSize,
      values: normalisation(config.mean, config.std),
    };
  }

  /** From `preprocessor_config.json` of the checkpoint folder. Throws `UserError` when that is missing or of another kind. */
  static load(dir: string, options: ImageOptions = {}): QwenImageProcessor {
    refuseUnknown(options, "Qwen2.5-VL", ["minPixels", "maxPixels", "doubleResize"]);
    return new QwenImageProcessor(readConfig(dir, options));
  }

  get layout(): ImageLayout {
    const { patchSize, mergeSize, temporalPatchSize } = this.config;
    return { patchSize, mergeSize, temporalPatchSize };
  }

  get leastTokens(): number {
    const { minPixels, patchSize, mergeSize } = this.config;
    return Math.ceil(minPixels / (patchSize * mergeSize) ** 2);
  }

  /** Patches and grid of a decoded image. */
  process(image: DecodedImage): ImageInput {
    const resized = this.#resize(image);
    const { width, height } = resized;
    const { patchSize } = this.config;
    return {
      pixels: flatten(resized, { x: 0, y: 0, width, height }, this.#patches),
      grid_thw: [1, height / patchSize, width / patchSize],
      frame: { imageWidth: image.width, imageHeight: image.height, frameWidth: width, frameHeight: height },
      sha256: image.sha256,
    };
  }

  /** One token a merged patch. */
  tokens({ grid_thw: [t, h, w] }: ImageInput): number {
    return (t * h * w) / this.config.mergeSize ** 2;
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
}

const count = z.int().positive().max(4096);

/** The limits are `min_pixels` and `max_pixels`, or in `size`, where transformers wants both. */
const settings = z
  .object({
    min_pixels: area.nullish(),
    max_pixels: area.nullish(),
    size: z
      .union(
        [
          z.strictObject({ shortest_edge: area, longest_edge: area }),
          z
            .strictObject({ min_pixels: area, max_pixels: area })
            .transform(({ min_pixels, max_pixels }) => ({ shortest_edge: min_pixels, longest_edge: max_pixels })),
        ],
        { error: "must be { shortest_edge, longest_edge }, areas in pixels up to a thousand million" },
      )
      .nullish(),
    patch_size: withDefault(count, 14),
    merge_size: withDefault(count, 2),
    temporal_patch_size: withDefault(count, 2),
    image_mean: perChannel(CLIP_MEAN),
    image_std: perChannel(CLIP_STD, deviation),
  })
  .transform((json) => ({
    minPixels: json.min_pixels ?? json.size?.shortest_edge ?? 56 ** 2,
    maxPixels: json.max_pixels ?? json.size?.longest_edge ?? 1280 * 28 ** 2,
    patchSize: json.patch_size,
    mergeSize: json.merge_size,
    temporalPatchSize: json.temporal_patch_size,
    mean: json.image_mean,
    std: json.image_std,
  }));

function readConfig(dir: string, options: ImageOptions): QwenImageConfig {
  const file = ProcessorFile.load(dir, "Qwen2VLImageProcessor", /^Qwen2(_5_)?VLImageProcessor(Fast|Pil)?$/);
  const said = file.read(settings);
  const config = {
    ...said,
    minPixels: options.minPixels ?? said.minPixels,
    maxPixels: options.maxPixels ?? said.maxPixels,
    doubleResize: options.doubleResize ?? false,
  };
  if (config.minPixels > config.maxPixels)
    throw new UserError(
      `${file.file}: the least number of pixels (${config.minPixels}) is above the largest (${config.maxPixels}).`,
      "Lower min_pixels or raise max_pixels.",
    );
  return config;
}
