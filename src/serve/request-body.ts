/** @file Reads the JSON of a request, no more of it than a limit. */
import type { Context } from "hono";
import { messageOf } from "../util/errors.ts";
import { ApiError } from "./api-error.ts";

/** Values that a body may hold, within each other or side by side: a chat has few, and millions of them would hold up the server. */
const MOST_VALUES = 50_000;

/**
 * The value that a request's body holds. `take` hears of bytes as they come, and refuses them by an error.
 * @throws ApiError: another type than JSON, more than `most` bytes, not JSON
 */
export async function jsonBody(c: Context, most: number, take: (bytes: number) => void): Promise<unknown> {
  // A page of another site can send other types without asking first.
  if (!/^application\/json\s*(;|$)/i.test(c.req.header("content-type") ?? ""))
    throw new ApiError(415, "Send JSON, with the header `Content-Type: application/json`.");
  const bytes = Buffer.concat(await parts(c, most, take));
  if (isCrowded(bytes)) throw new ApiError(400, `The body has more than ${MOST_VALUES} values.`);
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch (error) {
    throw new ApiError(400, `The body is not JSON: ${messageOf(error).slice(0, 200)}.`);
  }
}

async function parts(c: Context, most: number, take: (bytes: number) => void): Promise<Uint8Array[]> {
  const tooLarge = () =>
    new ApiError(413, `The body has more than ${most / 1e6} MB. Send smaller or fewer images.`, {
      headers: { Connection: "close" },
    });
  if (Number(c.req.header("content-length") ?? 0) > most) throw tooLarge();
  const read: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
      length += part.length;
      if (length > most) throw tooLarge();
      take(part.length);
      read.push(part);
    }
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(400, `The body breaks off: ${messageOf(error)}.`);
  }
  return read;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
/** What begins a value, or the next one, outside of texts: `[`, `{` and the comma. */
const BEGINNINGS = [0x5b, 0x7b, 0x2c];

/** Counts values without reading them. */
function isCrowded(bytes: Buffer): boolean {
  let values = 0;
  for (let i = 0; i < bytes.length && values <= MOST_VALUES; i++) {
    if (bytes[i] === QUOTE) i = endOfText(bytes, i);
    else if (BEGINNINGS.includes(bytes[i]!)) values++;
  }
  return values > MOST_VALUES;
}

/** The place of the quote that ends the text which begins at `start`, or the end of all. */
function endOfText(bytes: Buffer, start: number): number {
  let end = bytes.indexOf(QUOTE, start + 1);
  const isEscaped = () => {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === BACKSLASH) slashes++;
    return slashes % 2 === 1;
  };
  while (end >= 0 && isEscaped()) end = bytes.indexOf(QUOTE, end + 1);
  return end < 0 ? bytes.length : end;
}
