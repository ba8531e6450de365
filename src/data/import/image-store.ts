/** @file Writes the images of annotation files into the images folder: all of them or, after a failure, none. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { messageOf } from "../../util/errors.ts";
import { type ImageHeader, imageHeader } from "../image-header.ts";

/** A stored image. */
export interface StoredImage {
  /** Absolute path that it will have. */
  readonly path: string;
  readonly header: ImageHeader;
}

/** Blank pixels between images that are set side by side. */
const GAP = 20;

/** Images named by their content (`<sha256>.<format>`), so that one image of many questions is one file. */
export class ImageStore {
  readonly #folder: string;
  readonly #staging: string;
  /** The folder is new. */
  #isNew = false;
  readonly #stored = new Map<string, StoredImage>();

  /**
   * @param folder is made when the first image comes
   * @param out what the images are for, which one process writes at a time: what a killed one has left is found by its name
   */
  constructor(folder: string, out: string) {
    this.#folder = resolve(folder);
    const name = createHash("sha256").update(resolve(out)).digest("hex").slice(0, 12);
    this.#staging = join(this.#folder, `.partial-${name}`);
    rmSync(this.#staging, { recursive: true, force: true });
  }

  get size(): number {
    return this.#stored.size;
  }

  /** Adds an image, or several as one picture side by side. Gives what is stored, or a phrase that says what is wrong. */
  async add(parts: readonly Uint8Array[]): Promise<StoredImage | string> {
    try {
      for (const part of parts) {
        const header = await imageHeader(part);
        if (typeof header === "string") return header;
      }
      const bytes = parts.length === 1 ? parts[0]! : await sideBySide(parts);
      const name = createHash("sha256").update(bytes).digest("hex");
      return this.#stored.get(name) ?? (await this.#write(name, bytes));
    } catch (error) {
      return `cannot be stored (${messageOf(error).split("\n")[0]})`;
    }
  }

  async #write(name: string, bytes: Uint8Array): Promise<StoredImage | string> {
    const header = await imageHeader(bytes);
    if (typeof header === "string") return header;
    const file = `${name}.${header.format}`;
    const made = await mkdir(this.#staging, { recursive: true });
    this.#isNew ||= made !== undefined && made !== this.#staging;
    await writeFile(join(this.#staging, file), bytes);
    const image = { path: join(this.#folder, file), header };
    this.#stored.set(name, image);
    return image;
  }

  /** Moves the images to their place. */
  async commit(): Promise<void> {
    if (this.size === 0) return;
    for (const name of await readdir(this.#staging)) await rename(join(this.#staging, name), join(this.#folder, name));
  }

  /** Removes what was not committed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#staging, { recursive: true, force: true });
    if (this.#isNew) await rmdir(this.#folder).catch(() => {}); // it stays when it holds anything
  }
}

/** Images from left to right on white, top edges in line, none resized. */
async function sideBySide(parts: readonly Uint8Array[]): Promise<Buffer> {
  const images = await Promise.all(
    parts.map((bytes) =>
      sharp(bytes, { ignoreIcc: true })
        .toColourspace("srgb")
        .flatten({ background: "white" })
        .png()
        .toBuffer({ resolveWithObject: true }),
    ),
  );
  let left = 0;
  const layers = images.map(({ data, info }) => {
    const layer = { input: data, left, top: 0 };
    left += info.width + GAP;
    return layer;
  });
  const height = Math.max(...images.map(({ info }) => info.height));
  const background = { width: left - GAP, height, channels: 3 as const, background: "white" };
  return sharp({ create: background }).composite(layers).removeAlpha().png().toBuffer();
}
