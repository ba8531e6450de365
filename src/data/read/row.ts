/** @file Rows of annotation files, whatever their format: a file is read as a stream and never held as a whole. */
import { createReadStream } from "node:fs";
import { UserError } from "../../util/errors.ts";
import { unreadable } from "../../util/unreadable.ts";

/** One row: an object of a JSON file, a record of a TSV file, a row of a parquet file. */
export interface Row {
  readonly value: Readonly<Record<string, unknown>>;
  /** `file:line`, or `file: row N` (from 1) in a parquet file. */
  readonly where: string;
  /** The row's key, in a file that is an object of rows. */
  readonly key?: string;
  /** How much of its file has been read up to this row, from 0 to 1. */
  readonly share: number;
}

/** The bytes of a file, chunk by chunk. @throws UserError when there is no such file or it cannot be read */
export async function* chunks(file: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Bytes of a row; Node's longest text has 2^29 characters, and a row this long is a file without ends of rows. */
const LONGEST_ROW = 2 ** 28;

/** To be called with what has been read of a row at the end of each chunk. @throws UserError when that is too much */
export function refuseEndless(parts: readonly Uint8Array[], where: string): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > LONGEST_ROW) {
    throw new UserError(
      `${where}: is longer than ${LONGEST_ROW / 2 ** 20} MB`,
      "End each row before the next, and keep images in files of their own.",
    );
  }
}

/** Parts of one text, as they came in. @throws UserError when they are not UTF-8 */
export function decodeParts(parts: readonly Uint8Array[], where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(parts.length === 1 ? parts[0] : Buffer.concat(parts));
  } catch {
    throw new UserError(`${where}: is not UTF-8 text`, "Save the file as UTF-8.");
  }
}
