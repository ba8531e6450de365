/**
 * @file InternVL3's image processor: an image becomes square tiles of one size and, where there are several, a thumbnail
 * of the whole. The references are `dynamic_preprocess` of the original's model card and the Pillow processor of
 * transformers (`GotOcr2ImageProcessorPil`, as `InternVLProcessor` calls it).
 */

import { z } from "zod";
import { readJson, readJsonIfPresent } from "../hub/checkpoint-files.ts";
import { parseConfig } from "../models/config.ts";
import { type InternVLConfig, readInternVLConfig } from "../models/internvl/internvl-config.ts";
import type { ImageInput, ImageLayout } from "../records.ts";
import { UserError } from "../util/errors.ts";
import type { DecodedImage } from "./image.ts";
import {
  deviation,
  type ImageOptions,
  type ImageProcessor,
  ProcessorFile,
  perChannel,
  refuseUnknown,
  withDefault,
} from "./image-processor.ts";
import { flatten, normalisation, type PatchLayout } from "./patches.ts";
import { CLIP_MEAN, CLIP_STD } from "./qwen-image.ts";
import { resizeBicubic } from "./resize.ts";

/** Mean and standard deviation of ImageNet's pixels, per channel, on the 0..1 scale. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
export const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/** The settings from a checkpoint's files. */
export interface InternVLImageConfig {
  /** Side of a tile in pixels. */
  readonly tileSize: number;
  readonly minTiles: number;
  readonly maxTiles: number;
  /** Whether a thumbnail follows where there is more than one tile. */
  readonly thumbnail: boolean;
  readonly patchSize: number;
  /** Patches along each side of the square that becomes one token. */
  readonly mergeSize: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The grid of `minTiles` to `maxTiles` tiles whose shape is nearest to the image's. Of equally near grids the larger wins while
 * the image has more than half its pixels.
 */
export function tileGrid(
  width: number,
  height: number,
  { tileSize, minTiles, maxTiles }: Pick<InternVLImageConfig, "tileSize" | "minTiles" | "maxTiles">,
): { columns: number; rows: number } {
  const sides = Array.from({ length: maxTiles }, (_, i) => i + 1);
  const grids = sides
    .flatMap((columns) =>
      sides.slice(0, Math.floor(maxTiles / columns)).map((rows) => ({ columns, rows, tiles: columns * rows })),
    )
    .filter(({ tiles }) => tiles >= minTiles)
    .sort((a, b) => a.tiles - b.tiles);
  let best = { columns: 1, rows: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (const { columns, rows, tiles } of grids) {
    const distance = Math.abs(width / height - columns / rows);
    const large = width * height > 0.5 * tileSize * tileSize * tiles;
    if (distance < least || (distance === least && large)) best = { columns, rows };
    least = Math.min(least, distance);
  }
  return best;
}

/** Turns decoded images into `ImageInput`s: [tiles, h, w] patches, tile by tile, each tile row by row. */
export class InternVLImageProcessor implements ImageProcessor {
  readonly alpha = "drop";
  readonly limit = "image.max_tiles";
  readonly least = "image.min_tiles";
  readonly config: InternVLImageConfig;
  readonly #patches: PatchLayout;

  constructor(config: InternVLImageConfig) {
    this.config = config;
    this.#patches = {
      size: config.patchSize,
      merge: 1,
      frames: 1,
      values: normalisation(config.mean, config.std),
    };
  }

  /** From the files of an `-hf` folder. Throws `UserError` when they are missing, of another kind, or contradict each other. */
  static load(dir: string, options: ImageOptions = {}): InternVLImageProcessor {
    return new InternVLImageProcessor(checked(dir, readConfig(dir), options));
  }

  /** From the config of a folder in the original layout, whose `preprocessor_config.json` has only the normalisation. */
  static loadOriginal(dir: string, options: ImageOptions = {}): InternVLImageProcessor {
    return new InternVLImageProcessor(checked(dir, readOriginalConfig(dir), options));
  }

  get layout(): ImageLayout {
    const { patchSize, mergeSize } = this.config;
    return { patchSize, mergeSize, temporalPatchSize: 1, tileTokens: tokensOfTile(this.config) };
  }

  get leastTokens(): number {
    return this.config.minTiles * tokensOfTile(this.config);
  }

  /** Patches of every tile; the frame is the grid of tiles. */
  process(image: DecodedImage): ImageInput {
    const { tileSize, patchSize, thumbnail } = this.config;
    const { columns, rows } = tileGrid(image.width, image.height, this.config);
    const canvas = resizeBicubic(image, columns * tileSize, rows * tileSize);
    const tileAt = (x: number, y: number) => ({ x: x * tileSize, y: y * tileSize, width: tileSize, height: tileSize });
    const tiles = Array.from({ length: columns * rows }, (_, i) =>
      flatten(canvas, tileAt(i % columns, Math.floor(i / columns)), this.#patches),
    );
    if (thumbnail && tiles.length > 1)
      tiles.push(flatten(resizeBicubic(image, tileSize, tileSize), tileAt(0, 0), this.#patches));
    const pixels = new Float32Array(tiles.length * tiles[0]!.length);
    for (const [i, tile] of tiles.entries()) pixels.set(tile, i * tile.length);
    const side = tileSize / patchSize;
    return {
      pixels,
      grid_thw: [tiles.length, side, side],
      frame: {
        imageWidth: image.width,
        imageHeight: image.height,
        frameWidth: canvas.width,
        frameHeight: canvas.height,
      },
      sha256: image.sha256,
    };
  }

  /** One token a square of patches, of every tile. */
  tokens({ grid_thw: [t, h, w] }: ImageInput): number {
    return (t * h * w) / this.config.mergeSize ** 2;
  }
}

/** Most tiles that an image is cut into; the releases have 12. */
const MOST_TILES = 1024;

const side = z
  .int()
  .positive()
  .max(2 ** 16);
const tiles = z.int().positive().max(MOST_TILES);

const settings = z.object({
  size: z
    .strictObject({ height: side, width: side })
    .refine(({ height, width }) => height === width, "is not square, as tiles are")
    .nullish(),
  // The file's crop_to_patches is not asked: InternVLProcessor always crops.
  min_patches: withDefault(tiles, 1),
  max_patches: withDefault(tiles, 12),
  image_mean: perChannel(CLIP_MEAN),
  image_std: perChannel(CLIP_STD, deviation),
});

function readConfig(dir: string): InternVLImageConfig {
  const file = ProcessorFile.load(dir, "GotOcr2ImageProcessor", /^GotOcr2ImageProcessor(Fast|Pil)?$/);
  const said = file.read(settings);
  const config = {
    tileSize: said.size?.height ?? 384,
    // The file's crop_to_patches has no effect: InternVLProcessor always crops.
    minTiles: said.min_patches,
    maxTiles: said.max_patches,
    thumbnail: true,
    ...mergingOf(readInternVLConfig(dir)),
    mean: said.image_mean,
    std: said.image_std,
  };
  const length = readJsonIfPresent(dir, "processor_config.json")?.image_seq_length;
  const computed = tokensOfTile(config);
  if (length !== undefined && length !== computed)
    throw new UserError(
      `${dir}/processor_config.json: image_seq_length is ${JSON.stringify(length)}, but tiles of ${config.tileSize} pixels make ${computed} tokens.`,
      "Restore the processor's files from where the checkpoint came from.",
    );
  return config;
}

/** The keys of the original's config, with the defaults of its `InternVLChatConfig`. */
const originalSettings = z.object({
  force_image_size: side.nullish(),
  dynamic_image_size: z.boolean().default(false),
  use_thumbnail: z.boolean().default(false),
  min_dynamic_patch: tiles.default(1),
  max_dynamic_patch: tiles.default(6),
});

const normalisationSettings = z.object({
  image_mean: perChannel(IMAGENET_MEAN),
  image_std: perChannel(IMAGENET_STD, deviation),
});

function readOriginalConfig(dir: string): InternVLImageConfig {
  const config = readInternVLConfig(dir);
  const said = parseConfig(originalSettings, readJson(dir, "config.json"), `${dir}/config.json`);
  const { image_mean, image_std } = ProcessorFile.find(dir)?.read(normalisationSettings) ?? {};
  return {
    tileSize: said.force_image_size ?? config.vision.image_size,
    minTiles: said.dynamic_image_size ? said.min_dynamic_patch : 1,
    maxTiles: said.dynamic_image_size ? said.max_dynamic_patch : 1,
    thumbnail: said.use_thumbnail,
    ...mergingOf(config),
    mean: image_mean ?? IMAGENET_MEAN,
    std: image_std ?? IMAGENET_STD,
  };
}

/** The patches of a tile, and how many become one token: in either layout the processor's files do not say. */
function mergingOf(config: InternVLConfig): Pick<InternVLImageConfig, "patchSize" | "mergeSize"> {
  return { patchSize: config.vision.patch_size, mergeSize: Math.round(1 / config.downsample_ratio) };
}

function tokensOfTile({ tileSize, patchSize, mergeSize }: InternVLImageConfig): number {
  return (tileSize / patchSize / mergeSize) ** 2;
}

/** The config with the user's options. Throws `UserError` when they do not fit it. */
function checked(dir: string, config: InternVLImageConfig, options: ImageOptions): InternVLImageConfig {
  refuseUnknown(options, "InternVL3", ["minTiles", "maxTiles"]);
  const merged = {
    ...config,
    minTiles: options.minTiles ?? config.minTiles,
    maxTiles: options.maxTiles ?? config.maxTiles,
  };
  if (merged.minTiles > merged.maxTiles)
    throw new UserError(
      `${dir}: the least number of tiles (${merged.minTiles}) is above the largest (${merged.maxTiles}).`,
      "Lower image.min_tiles or raise image.max_tiles.",
    );
  if (merged.maxTiles > MOST_TILES)
    throw new UserError(
      `${dir}: an image would be cut into ${merged.maxTiles} tiles.`,
      `Lower image.max_tiles to at most ${MOST_TILES}.`,
    );
  const square = merged.patchSize * merged.mergeSize;
  if (merged.tileSize % square !== 0)
    throw new UserError(
      `${dir}: tiles of ${merged.tileSize} pixels cannot be cut into squares of ${square}, which become one token each.`,
      "Restore config.json and the processor's files from where the checkpoint came from.",
    );
  return merged;
}
