/** @file Reading the JSON files of a checkpoint folder: absent is `undefined`, broken is a `UserError` that names the file. */

import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { messageOf, UserError } from "../util/errors.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";

/** A JSON object of unknown shape. */

/** Throws a `UserError` unless `dir` is a folder. */
export function requireFolder(dir: string): void {
  if (!existsSync(dir)) throw new UserError(`No checkpoint at ${dir}: the folder does not exist.`, "Check the path.");
  if (!statSync(dir).isDirectory())
    throw new UserError(`${dir} is not a folder.`, "Name the checkpoint's folder, not one of its files.");
}

/** The text of `dir/name`, or undefined when there is no such file. */
export function readTextIfPresent(dir: string, name: string): string | undefined {
  const file = path.join(dir, name);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** The JSON object in `dir/name`, or undefined when there is no such file. Throws `UserError` when it is no JSON object. */
export function readJsonIfPresent(dir: string, name: string): JsonObject | undefined {
  const text = readTextIfPresent(dir, name);
  if (text === undefined) return undefined;
  const remedy = "Restore the file from where the checkpoint came from.";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path.join(dir, name)} is not valid JSON (${messageOf(error)}).`, remedy);
  }
  if (!isObject(value)) throw new UserError(`${path.join(dir, name)} does not hold a JSON object.`, remedy);
  return value;
}
