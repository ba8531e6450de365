/** @file An image that a line of a file names, as a browser shows it. The content decides what it is, whatever its name. */

import { readFile, stat } from "node:fs/promises";
import type { Context } from "hono";
import { imageHeader } from "../data/image-header.ts";
import { there } from "./route-input.ts";

/** Sends the image at a path that a file has named. @throws ApiError 404 where there is none that can be shown */
export async function sendImage(c: Context, path: string | undefined): Promise<Response> {
  const header = path === undefined ? "" : await imageHeader(path);
  const { format } = there(typeof header === "string" ? undefined : header, "image");
  const { size, mtimeMs } = await stat(path!);
  // The line may name another image tomorrow, and the image may change.
  const tag = `"${size}-${mtimeMs}"`;
  c.header("Cache-Control", "private, no-cache");
  c.header("ETag", tag);
  if (c.req.header("if-none-match") === tag) return c.body(null, 304);
  c.header("Content-Type", `image/${format}`);
  return c.body(new Uint8Array(await readFile(path!)));
}
