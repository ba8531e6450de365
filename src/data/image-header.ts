/**
 * @file Reads an image's header: its format, stored size, and whether it can be decoded exactly. The content decides the
 * format, whatever the file's name says.
 */
import { stat } from "node:fs/promises";
import type { Metadata } from "sharp";
import { messageOf } from "../util/errors.ts";

/** What the header of a readable image says. Its size is the stored one, in pixels; EXIF orientation is not applied. */
export interface ImageHeader {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Stored as cyan, magenta, yellow and black. */
  readonly cmyk: boolean;
}

/** Pillow refuses more pixels than this as a decompression bomb. */
const MOST_PIXELS = 178_956_970;

const FORMATS = ["jpeg", "png", "webp", "gif"] as const;
export type ImageFormat = (typeof FORMATS)[number];

/**
 * Reads the header of an image, given as a path or as its bytes, before any pixel is decoded. Gives the header, or a phrase
 * to follow the image's name that says what is wrong and what to do: it is missing, empty, not an image, of an unsupported
 * format, too large, or 16-bit (whose conversion to 8 bits differs between libraries).
 */
export async function imageHeader(source: string | Uint8Array): Promise<ImageHeader | string> {
  const bytes = typeof source === "string" ? await fileSize(source) : source.length;
  if (typeof bytes === "string") return bytes;
  if (bytes === 0) return "is empty; replace the file";
  let header: Metadata;
  // Native code, which is loaded when the first image is looked at.
  const { default: sharp } = await import("sharp");
  try {
    header = await sharp(source, { limitInputPixels: false }).metadata();
  } catch (error) {
    return `is not an image, or its header is damaged (${messageOf(error).split("\n")[0]}); replace the file`;
  }
  const { space, depth, width, height } = header;
  const format = FORMATS.find((known) => known === header.format);
  if (format === undefined) return `is ${header.format}, which is not supported; convert it to PNG or JPEG`;
  if (width * height > MOST_PIXELS) {
    return `has ${width}x${height} pixels, more than the ${MOST_PIXELS.toLocaleString("en-US")} allowed; scale it down`;
  }
  if (depth !== "uchar") return "has 16 bits a channel; convert it to 8 bits";
  return { format, width, height, cmyk: space === "cmyk" };
}

async function fileSize(file: string): Promise<number | string> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : "is not a file; name an image file";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT"
      ? MISSING
      : `cannot be read (${messageOf(error)}); check its permissions`;
  }
}

/** What `imageHeader` says of a file that is not there. */
export const MISSING = "does not exist";
