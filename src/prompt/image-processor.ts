/**
 * @file The interface of a family's image processor. Also the options that override the checkpoint's files, and how those files
 * are read.
 */

import path from "node:path";
import { z } from "zod";
import { readJsonIfPresent } from "../hub/checkpoint-files.ts";
import { parseConfig } from "../models/config.ts";
import type { ImageInput, ImageLayout } from "../records.ts";
import { UserError } from "../util/errors.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";
import type { Alpha, DecodedImage } from "./image.ts";

export interface ImageProcessor {
  /** The settings that decide the pixels; an evaluation's manifest records them. */
  readonly config: { readonly mean: readonly number[]; readonly std: readonly number[] };
  readonly layout: ImageLayout;
  /** How transparency is removed before `process`. */
  readonly alpha: Alpha;
  /** The recipe key that limits the tokens of an image, and the one that says how small an image may be. */
  readonly limit: string;
  readonly least: string;
  /** Fewest tokens that an image takes. */
  readonly leastTokens: number;
  /** Pixels as the vision tower takes them. Throws `UserError` for an image the model cannot take. */
  process(image: DecodedImage): ImageInput;
  /** Placeholder tokens that an image takes. */
  tokens(image: ImageInput): number;
}

/** Options that override the checkpoint's files. No family knows all of them. */
export interface ImageOptions {
  /** Least and largest area of the resized image in pixels. */
  readonly minPixels?: number | undefined;
  readonly maxPixels?: number | undefined;
  readonly doubleResize?: boolean | undefined;
  /** Fewest and most tiles that an image is cut into, the thumbnail not counted. */
  readonly minTiles?: number | undefined;
  readonly maxTiles?: number | undefined;
}

const RECIPE_KEYS: Record<keyof ImageOptions, string> = {
  minPixels: "image.min_pixels",
  maxPixels: "image.max_pixels",
  doubleResize: "image.double_resize",
  minTiles: "image.min_tiles",
  maxTiles: "image.max_tiles",
};

/** Throws `UserError` when an option is set that the family does not know. */
export function refuseUnknown(options: ImageOptions, family: string, known: readonly (keyof ImageOptions)[]): void {
  const stray = (Object.keys(RECIPE_KEYS) as (keyof ImageOptions)[]).find(
    (key) => options[key] && !known.includes(key),
  );
  if (stray === undefined) return;
  throw new UserError(
    `${RECIPE_KEYS[stray]} is set, but ${family} has no such option.`,
    `Remove it, or use ${known.map((key) => RECIPE_KEYS[key]).join(", ")}.`,
    RECIPE_KEYS[stray],
  );
}

/** The only values supported, in both families; bicubic is 3 in Pillow. */
const FIXED = {
  do_convert_rgb: true,
  do_resize: true,
  resample: 3,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
};

/** The settings of a checkpoint's image processor, wherever the folder keeps them. */
export class ProcessorFile {
  /** The file they are in. */
  readonly file: string;
  readonly json: JsonObject;

  private constructor(file: string, json: JsonObject) {
    this.file = file;
    this.json = json;
    for (const [key, value] of Object.entries(FIXED))
      if ((json[key] ?? value) !== value)
        throw new UserError(
          `${file}: ${key} is ${JSON.stringify(json[key])}; only ${value} is supported.`,
          "Restore the file from where the checkpoint came from.",
        );
  }

  /**
   * Undefined when the folder has none. Where it has both files, the nested settings are used, as in transformers.
   * Throws `UserError` for settings that are not supported.
   */
  static find(dir: string): ProcessorFile | undefined {
    const file = path.join(dir, "processor_config.json");
    const nested = readJsonIfPresent(dir, "processor_config.json")?.image_processor;
    if (isObject(nested)) return new ProcessorFile(file, nested);
    if (nested !== undefined && nested !== null)
      throw new UserError(`${file}: image_processor is not an object.`, "Restore the file.");
    const own = readJsonIfPresent(dir, "preprocessor_config.json");
    return own && new ProcessorFile(path.join(dir, "preprocessor_config.json"), own);
  }

  /** Throws `UserError` when the folder has none, or one of another kind than `name`, which `pattern` describes. */
  static load(dir: string, name: string, pattern: RegExp): ProcessorFile {
    const found = ProcessorFile.find(dir);
    if (!found)
      throw new UserError(
        `${dir} has no preprocessor_config.json.`,
        "Download the checkpoint's processor files into it.",
      );
    const type = found.json.image_processor_type ?? name;
    if (typeof type === "string" && pattern.test(type)) return found;
    throw new UserError(`${found.file} names the image processor ${JSON.stringify(type)}.`, `${name} is supported.`);
  }

  /** The settings as `schema` knows them. Throws `UserError` naming a key that is of another form. */
  read<T>(schema: z.ZodType<T>): T {
    return parseConfig(schema, this.json, this.file);
  }
}

/** An area in pixels; a thousand million are more than an image file holds. */
export const area = z.int().positive().max(1e9);

/** A setting that the processor's class has a value for. */
export function withDefault<T>(schema: z.ZodType<T>, otherwise: T) {
  return schema.nullish().transform((given) => given ?? otherwise);
}

/** For red, green and blue, on the 0..1 scale of pixels. */
export function perChannel(otherwise: readonly number[], level = z.number().min(0).max(1)) {
  return withDefault<readonly number[]>(z.tuple([level, level, level]), otherwise);
}

/** What the pixels of each channel are divided by. */
export const deviation = z.number().positive().max(1);
