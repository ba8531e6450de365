/** @file Lines of a text file, strictly UTF-8, blank ones passed over; and JSON without exceptions. */
import { createReadStream } from "node:fs";
import { messageOf, UserError } from "../errors.ts";

/** The value of a JSON text, or what is wrong with it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

/** The lines of a text file that are not blank. @throws UserError when there is no such file or a line is not UTF-8 */
export async function* textLines(file: string): AsyncGenerator<{ line: number; text: string }> {
  let line = 0;
  for await (const bytes of byteLines(file)) {
    line++;
    const text = decode(bytes, `${file}:${line}`);
    if (text.trim() !== "") yield { line, text };
  }
}

/** The lines of a file as bytes, without their line feeds: a broken character then belongs to a line. */
async function* byteLines(file: string): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield rest.subarray(0, end);
        rest = rest.subarray(end + 1);
      }
    }
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const what = missing ? "no such file" : `cannot be read (${messageOf(error)})`;
    throw new UserError(`${file}: ${what}`, "Check the path; it is taken from the current directory.");
  }
  yield rest;
}

function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${where}: is not UTF-8 text`, "Save the file as UTF-8.");
  }
}
