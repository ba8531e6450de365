/**
 * @file What a prompt asks of a family's image processor. Also the options a user may set over the checkpoint's files, and
 * the reading of those files.
 */

import path from "node:path";
import { readJsonIfPresent } from "../hub/checkpoint-files.ts";
import type { ImageInput, ImageLayout } from "../records.ts";
import { UserError } from "../util/errors.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";
import type { Alpha, DecodedImage } from "./image.ts";

export interface ImageProcessor {
  /** What decides the pixels, as an evaluation's manifest records it. */
  readonly config: object;
  readonly layout: ImageLayout;
  /** What must become of transparency before `process`. */
  readonly alpha: Alpha;
  /** The recipe key that bounds the tokens of an image. */
  readonly limit: string;
  /** Pixels as the vision tower takes them. Throws `UserError` for an image the model cannot take. */
  process(image: DecodedImage): ImageInput;
  /** Placeholder tokens that an image takes. */
  tokens(image: ImageInput): number;
}

/** A user's wishes over what the checkpoint's files say. No family knows all of them. */
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
    `${RECIPE_KEYS[stray]} is set, which ${family} does not know.`,
    `Take it out, or use ${known.map((key) => RECIPE_KEYS[key]).join(", ")}.`,
  );
}

/** What both families compute, and no setting changes here: bicubic is 3 in Pillow. */
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
   * Undefined when the folder has none. Where it has both files, the nested settings count, as in transformers.
   * Throws `UserError` for settings that are not computed here.
   */
  static find(dir: string): ProcessorFile | undefined {
    const nested = readJsonIfPresent(dir, "processor_config.json")?.image_processor;
    if (isObject(nested)) return new ProcessorFile(path.join(dir, "processor_config.json"), nested);
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
    const type = String(found.json.image_processor_type ?? name);
    if (pattern.test(type)) return found;
    throw new UserError(`${found.file} names the image processor ${type}.`, `${name} is supported.`);
  }

  number(value: unknown, key: string, otherwise: number): number {
    if (value === undefined || value === null) return otherwise;
    if (typeof value === "number" && value > 0) return value;
    throw new UserError(
      `${this.file}: ${key} is ${JSON.stringify(value)}, not a positive number.`,
      "Restore the file.",
    );
  }

  /** A number for each of red, green and blue. */
  triple(key: string, otherwise: readonly number[]): readonly number[] {
    const value = this.json[key];
    if (value === undefined || value === null) return otherwise;
    if (Array.isArray(value) && value.length === 3 && value.every((x) => typeof x === "number")) return value;
    throw new UserError(`${this.file}: ${key} is not a list of three numbers.`, "Restore the file.");
  }
}
