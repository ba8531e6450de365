/**
 * @file Decodes an image file to 8-bit RGB pixels as Pillow does: no colour profile applied, EXIF orientation not applied
 * (boxes in data files refer to the stored pixels), the first frame of an animation. The content decides the format,
 * whatever the name says. What would differ from Pillow (16 bits a channel) is refused by name.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { OutputInfo } from "sharp";
import { imageHeader } from "../data/image-header.ts";
import { imagePathFault } from "../data/image-path.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { Limit } from "../util/limit.ts";
import { shortened } from "../util/shortened.ts";
import { firstFrame, paintAround } from "./gif-frame.ts";
import type { RgbImage } from "./resize.ts";

/** Pixels of an image file. */
export interface DecodedImage extends RgbImage {
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
}

/** How transparency is removed: pasted on white (Qwen2.5-VL) or ignored (InternVL's `convert("RGB")`). */
export type Alpha = "white" | "drop";

/**
 * Decodes a JPEG, PNG, WebP or GIF, given as a path or as its bytes; `name` is what messages call the bytes.
 * Throws `UserError`, naming the file: missing, empty, truncated, no image, another format, too large, 16-bit.
 */
export async function decodeImage(
  source: string | Uint8Array,
  { alpha = "white", name = "The image" }: { alpha?: Alpha; name?: string } = {},
): Promise<DecodedImage> {
  if (typeof source === "string")
    return decodeImage(await readImageFile(source), { alpha, name: `Image ${shortened(source)}` });
  const header = await imageHeader(source);
  if (typeof header === "string") throw new UserError(`${name} ${header}.`);
  let decoded: { data: Buffer; info: OutputInfo };
  // Native code, which is loaded when the first image is decoded.
  const { default: sharp } = await import("sharp");
  try {
    // CMYK stays as it is stored: libvips would convert it through a profile of its own.
    const file = sharp(source, { ignoreIcc: true, limitInputPixels: false, failOn: "error" });
    decoded = await (header.cmyk ? file.pipelineColourspace("cmyk").toColourspace("cmyk") : file.toColourspace("srgb"))
      .raw()
      .toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw new UserError(`${name} is damaged or truncated (${firstLine(error)}).`, "Replace the file.");
  }
  const { width, height, channels } = decoded.info;
  if (header.cmyk) return { width, height, rgb: cmykToRgb(decoded.data), sha256: sha256(source) };
  const isTransparent = (byte: number, i: number) => i % channels === channels - 1 && byte < 255;
  if (alpha === "drop" && header.format === "gif" && channels === 4 && decoded.data.some(isTransparent))
    throw new UserError(
      `${name} is a GIF with transparency, whose hidden colours cannot be read.`,
      "Convert it to PNG.",
    );
  const rgb = toRgb(decoded.data, channels, alpha);
  const frame = header.format === "gif" ? firstFrame(source) : undefined;
  if (frame && frame.pixels < frame.width * frame.height)
    throw new UserError(
      `${name} is truncated: ${frame.pixels} of its ${frame.width * frame.height} pixels are there.`,
      "Replace the file.",
    );
  if (frame) paintAround(frame, width, rgb);
  return { width, height, rgb, sha256: sha256(source) };
}

/** Pixels that come from no file, named by the SHA-256 of their bytes. */
export function named(image: RgbImage): DecodedImage {
  return { ...image, sha256: sha256(image.rgb) };
}

/** SHA-256, hex: names an image by its file's bytes. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Files that are open at once: the images of a step may be more than a process may open. */
const reading = new Limit(32);

/** The bytes of an image file. Throws `UserError` when there is none. */
export async function readImageFile(file: string): Promise<Buffer> {
  const fault = imagePathFault(file);
  if (fault !== undefined) throw new UserError(`The image ${fault}.`);
  try {
    return await reading.run(() => readFile(file));
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing) throw new UserError(`Image ${file} does not exist.`, "Check the path and the images folder.");
    throw new UserError(`Image ${file} cannot be read (${messageOf(error)}).`, "Check the path and its permissions.");
  }
}

/** Pixels of 1 to 4 channels (grey, grey and alpha, RGB, RGBA) as RGB. */
function toRgb(pixels: Uint8Array, channels: number, alpha: Alpha): Uint8Array {
  if (channels === 3) return pixels;
  const hasAlpha = channels % 2 === 0;
  const count = pixels.length / channels;
  const rgb = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    const from = i * channels;
    const opacity = hasAlpha && alpha === "white" ? pixels[from + channels - 1]! : 255;
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = onWhite(pixels[channels < 3 ? from : from + c]!, opacity);
  }
  return rgb;
}

/** `value` pasted on white. */
function onWhite(value: number, opacity: number): number {
  return by255(value * opacity + 255 * (255 - opacity));
}

/** Cyan, magenta, yellow and black as RGB, without a colour profile: each channel is (1 - ink) * (1 - black). */
function cmykToRgb(pixels: Uint8Array): Uint8Array {
  const count = pixels.length / 4;
  const rgb = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    const light = 255 - pixels[i * 4 + 3]!;
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = light - by255(pixels[i * 4 + c]! * light);
  }
  return rgb;
}

/** Pillow's rounded division by 255. */
function by255(product: number): number {
  const sum = product + 128;
  return (sum + (sum >> 8)) >> 8;
}

function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0]!.trim();
}
