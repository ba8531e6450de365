/**
 * @file What the first bytes of an image file tell: its format, its stored size, and whether it is of a kind that can be
 * decoded exactly. The content decides the format, whatever the file's name says.
 */
import { stat } from "node:fs/promises";
import sharp, { type Metadata } from "sharp";
import { messageOf } from "../errors.ts";

/** Stored size in pixels; EXIF orientation is not applied. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Pillow refuses more pixels than this as a decompression bomb. */
const MOST_PIXELS = 178_956_970;

const FORMATS: readonly string[] = ["jpeg", "png", "webp", "gif"];

/**
 * Reads the header of an image, given as a path or as its bytes. Gives its size, or the phrase that says what is wrong
 * with it: missing, empty, no image, a format that is not read, too large, CMYK or 16-bit (whose conversion to 8-bit
 * RGB differs between libraries).
 */
export async function imageHeader(source: string | Uint8Array): Promise<ImageSize | string> {
  const bytes = typeof source === "string" ? await fileSize(source) : source.length;
  if (typeof bytes === "string") return bytes;
  if (bytes === 0) return "is empty; replace the file";
  let header: Metadata;
  try {
    header = await sharp(source, { limitInputPixels: false }).metadata();
  } catch (error) {
    return `is not an image, or its header is damaged (${messageOf(error).split("\n")[0]}); replace the file`;
  }
  const { format, space, depth, width, height } = header;
  if (!FORMATS.includes(format)) return `is ${format}, which is not read; convert it to PNG or JPEG`;
  if (width * height > MOST_PIXELS) {
    return `has ${width}x${height} pixels, more than the ${MOST_PIXELS.toLocaleString("en-US")} allowed; scale it down`;
  }
  if (space === "cmyk") return "is CMYK; convert it to RGB";
  if (depth !== "uchar") return "has 16 bits a channel; convert it to 8 bits";
  return { width, height };
}

async function fileSize(file: string): Promise<number | string> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : "is not a file";
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT"
      ? MISSING
      : `cannot be read (${messageOf(error)})`;
  }
}

/** What `imageHeader` says of a file that is not there. */
export const MISSING = "does not exist";
