/** @file Reads the JSON of a request, no more of it than a limit. */
import type { Context } from "hono";
import { messageOf } from "../util/errors.ts";
import { ApiError } from "./api-error.ts";

/** The value that a request's body holds. @throws ApiError: another type than JSON, more than `most` bytes, not JSON */
export async function jsonBody(c: Context, most: number): Promise<unknown> {
  // A page of another site can send other types without asking first.
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? ""))
    throw new ApiError(415, "Send JSON, with the header `Content-Type: application/json`.");
  const text = Buffer.concat(await parts(c, most)).toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ApiError(400, `The body is not JSON: ${messageOf(error).slice(0, 200)}.`);
  }
}

async function parts(c: Context, most: number): Promise<Uint8Array[]> {
  const tooLarge = () =>
    new ApiError(413, `The body has more than ${most / 1e6} MB. Send smaller or fewer images.`, {
      headers: { Connection: "close" },
    });
  if (Number(c.req.header("content-length") ?? 0) > most) throw tooLarge();
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const part of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > most) throw tooLarge();
    read.push(part);
  }
  return read;
}
