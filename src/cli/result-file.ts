/** @file The file of results that `--out` names: checked before the work, written after it, whole or not at all. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf, UserError } from "../util/errors.ts";
import { writeWhole } from "../util/files.ts";

/**
 * Checks before the work that `out` can be written after it. @throws UserError when it is `data`, which `option` named, or cannot
 * be written
 */
export function checkOut(out: string, data: string, option = "--data"): void {
  if (resolve(out) === resolve(data))
    throw new UserError(`--out ${out} is the file of ${option}.`, "Name another file to write.");
  try {
    mkdirSync(dirname(out), { recursive: true });
  } catch (error) {
    throw new UserError(`--out ${out} cannot be written (${messageOf(error)}).`, "Choose another --out.");
  }
  if (statSync(out, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`--out ${out} is a folder.`, "Name a file to write.");
}

/** Writes one JSON line a row; the file is complete or absent. */
export function writeRows(out: string, rows: readonly object[]): void {
  writeWhole(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
