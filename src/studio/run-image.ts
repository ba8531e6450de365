/** @file An image of a run as a browser can show it. Only files of the run's own `images/` are given. */

import { lstat, readFile, realpath } from "node:fs/promises";
import { extname, join } from "node:path";
import sharp from "sharp";

/** What browsers show as it is. */
const SHOWN: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
};

/** A file as it is sent. */
export interface Sent {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The image of that name; other formats than browsers know become PNG. Undefined where there is none: a name with a folder in
 * it, a link, a file that is no image.
 */
export async function runImage(run: string, name: string): Promise<Sent | undefined> {
  if (!/^\w[\w.-]*$/.test(name)) return undefined;
  const folder = join(run, "images");
  const file = join(folder, name);
  const found = await lstat(file).catch(() => undefined);
  if (!found?.isFile() || (await realpath(folder)) !== join(await realpath(run), "images")) return undefined;
  const type = SHOWN[extname(name).toLowerCase()];
  if (type) return { type, bytes: new Uint8Array(await readFile(file)) };
  const png = await sharp(file)
    .png()
    .toBuffer()
    .catch(() => undefined);
  return png && { type: "image/png", bytes: new Uint8Array(png) };
}
