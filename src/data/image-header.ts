/**
 * @file Reads an image's header: its format, stored size, and whether it can be decoded exactly. The content decides the
 * format, whatever the file's name says.
 */
import { open, stat } from "node:fs/promises";
import type { Metadata } from "sharp";
import { messageOf } from "../util/errors.ts";
import { shortened } from "../util/shortened.ts";
import { otherFormat } from "./other-formats.ts";

/** What the header of a readable image says. Its size is the stored one, in pixels; EXIF orientation is not applied. */
export interface ImageHeader {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
  /** Stored as cyan, magenta, yellow and black. */
  readonly cmyk: boolean;
  /** EXIF orientation, from 1 (upright) to 8; from 5 on a viewer shows width and height exchanged. */
  readonly orientation: number;
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
    const other = otherFormat(typeof source === "string" ? await firstBytes(source) : source);
    const reason = shortened(messageOf(error).split("\n")[0]!);
    return other ?? `is not an image, or its header is damaged (${reason}); replace the file`;
  }
  const { space, depth, width, height, orientation = 1 } = header;
  const format = FORMATS.find((known) => known === header.format);
  if (format === undefined) return `is ${header.format}, which is not supported; convert it to PNG or JPEG`;
  if (width * height > MOST_PIXELS) {
    return `has ${width}x${height} pixels, more than the ${MOST_PIXELS.toLocaleString("en-US")} allowed; scale it down`;
  }
  if (depth !== "uchar") return "has 16 bits a channel; convert it to 8 bits";
  return { format, width, height, cmyk: space === "cmyk", orientation };
}

/** What is wrong with the size that a line gives for an image, as a phrase; undefined when it is the stored one. */
export function sizeFault(given: { width: number; height: number }, image: ImageHeader): string | undefined {
  const { width, height } = image;
  if (given.width === width && given.height === height) return undefined;
  return `say ${given.width}x${given.height}, but the image has ${width}x${height} pixels${turned(image)}`;
}

/** What to say behind the size of an image that viewers turn; empty for an upright one. */
export function turned({ orientation, width, height }: ImageHeader): string {
  if (orientation < 5) return "";
  const shown = `its EXIF orientation ${orientation} shows it as ${height}x${width}`;
  return ` as it is stored; ${shown}, but sizes and boxes are those of the stored pixels. Save the image upright, or turn the boxes`;
}

/** The beginning of a file, as much as tells its kind. */
async function firstBytes(file: string): Promise<Uint8Array> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(new Uint8Array(64), 0, 64, 0);
  return buffer.subarray(0, bytesRead);
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
