/** @file Images as a checkpoint's vision tower takes them, from files, bytes or pixels; those of late are remembered. */

import type { ImageInput } from "../records.ts";
import { familyOf } from "./family.ts";
import { decodeImage, named, readImageFile, sha256 } from "./image.ts";
import type { ImageOptions, ImageProcessor } from "./image-processor.ts";
import { Lru } from "./lru.ts";
import type { RgbImage } from "./resize.ts";

/** An image: a file, its bytes, or pixels in memory. */
export type ImageSource = string | Uint8Array | RgbImage;

/** Bytes of processed images kept: some three hundred of 200,704 pixels. */
const KEPT = 1.5e9;

export class ImageReader {
  readonly processor: ImageProcessor;
  readonly #cache: Lru<ImageInput>;

  /** Keeps so many `bytes` of processed images. */
  constructor(processor: ImageProcessor, bytes = KEPT) {
    this.processor = processor;
    this.#cache = new Lru(bytes, ({ pixels }) => pixels.byteLength);
  }

  /** With the image processor of a Hugging Face folder. @throws UserError naming what is missing or broken */
  static load(dir: string, options: ImageOptions = {}, bytes = KEPT): ImageReader {
    return new ImageReader(familyOf(dir).loadImages(dir, options), bytes);
  }

  /** A decoded and processed image; files are remembered by their content, the least recently used forgotten. @throws UserError */
  async read(source: ImageSource): Promise<ImageInput> {
    const { processor } = this;
    if (typeof source === "object" && "rgb" in source) return processor.process(named(source));
    const bytes = typeof source === "string" ? await readImageFile(source) : source;
    const key = sha256(bytes);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const name = typeof source === "string" ? `Image ${source}` : "The image";
    const processed = processor.process(await decodeImage(bytes, { alpha: processor.alpha, name }));
    this.#cache.set(key, processed);
    return processed;
  }
}
