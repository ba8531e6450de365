/** @file What `--out` names, a file of results or a new folder: checked before the work, written after it, whole or not at all. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../util/errors.ts";
import { needWritable, writeWhole } from "../util/files.ts";

/**
 * Checks before the work that `out` can be written after it. @throws UserError when it is `data`, which `option` named, or cannot
 * be written
 */
export function checkOut(out: string, data: string, option = "--data"): void {
  if (resolve(out) === resolve(data))
    throw new UserError(`--out ${out} is the file of ${option}.`, "Name another file to write.");
  if (existsSync(out) && statSync(out).isDirectory())
    throw new UserError(`--out ${out} is a folder.`, "Name a file to write.");
  needWritable(out);
}

/**
 * Checks before the work that a folder can be made of the name `out`, for the commands that write a new one.
 * @throws UserError when it is there already, or cannot be written
 */
export function checkNewFolder(out: string): void {
  if (existsSync(out)) throw new UserError(`${out} already exists.`, "Choose another --out, or move it away.");
  needWritable(out);
}

/** Writes one JSON line a row; the file is complete or absent. */
export function writeRows(out: string, rows: readonly object[]): void {
  writeWhole(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}
