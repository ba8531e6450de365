/**
 * @file The files of a checkpoint folder: absent is `undefined`, broken is a `UserError` that names the file. A folder comes from
 * strangers: no name and no link in it leads out of it, and its JSON is whole and says nothing twice.
 */

import { isUtf8 } from "node:buffer";
import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { duplicateKey } from "../util/duplicate-key.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { isObject, type JsonObject } from "../util/json-object.ts";

const RESTORE = "Restore the file from where the checkpoint came from.";

/** Bytes that a file of text or JSON may have; the largest tokenizers have 33 MB. */
const LARGEST = 2 ** 26;

/** What the hub's cache keeps the files of its folders as: links to contents, named by their hashes. */
const BLOB = /[\\/]models--[^\\/]+[\\/]blobs[\\/][0-9a-f]{40,64}$/;

/** Throws a `UserError` unless `dir` is a folder. */
export function requireFolder(dir: string): void {
  if (!existsSync(dir)) throw new UserError(`No checkpoint at ${dir}: the folder does not exist.`, "Check the path.");
  if (!statSync(dir).isDirectory())
    throw new UserError(`${dir} is not a folder.`, "Name the checkpoint's folder, not one of its files.");
}

/**
 * The path of the file `name` of a folder, or undefined when there is none.
 * @throws UserError when the name or a link leads out of the folder, or to something that is not a file
 */
export function fileIn(dir: string, name: string): string | undefined {
  if (!isPlainName(name))
    throw new UserError(`${JSON.stringify(name)} is not the name of a file in ${dir}.`, "Write the file's name alone.");
  const file = path.join(dir, name);
  if (!existsSync(file)) return undefined;
  if (!statSync(file).isFile()) throw new UserError(`${file} is not a file.`, RESTORE);
  if (lstatSync(file).isSymbolicLink()) {
    const target = realpathSync(file);
    if (path.dirname(target) !== realpathSync(dir) && !BLOB.test(target))
      throw new UserError(
        `${file} is a link out of the folder, to ${target}.`,
        "Links of a checkpoint are not followed: put the file itself in its place.",
      );
  }
  return file;
}

/** Is this the name of a file, without a path to it? */
export function isPlainName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[\\/\0]/.test(name);
}

/** The text of `dir/name`, or undefined when there is no such file. @throws UserError when it is no text */
export function readTextIfPresent(dir: string, name: string): string | undefined {
  const file = fileIn(dir, name);
  if (file === undefined) return undefined;
  const { size } = statSync(file);
  if (size > LARGEST)
    throw new UserError(`${file} has ${size} bytes, more than the ${LARGEST} that such a file may have.`, RESTORE);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UserError(`${file} cannot be read (${messageOf(error)}).`, "Check its permissions.");
  }
  if (!isUtf8(bytes)) throw new UserError(`${file} is not UTF-8 text.`, RESTORE);
  return bytes.toString("utf8");
}

/** The JSON object in `dir/name`, or undefined when there is no such file. @throws UserError when it is not one JSON object */
export function readJsonIfPresent(dir: string, name: string): JsonObject | undefined {
  const text = readTextIfPresent(dir, name);
  if (text === undefined) return undefined;
  const file = path.join(dir, name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not valid JSON (${messageOf(error).replaceAll(/\s+/g, " ")}).`, RESTORE);
  }
  if (!isObject(value)) throw new UserError(`${file} does not hold a JSON object.`, RESTORE);
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new UserError(`${file} has the key ${JSON.stringify(twice)} twice.`, RESTORE);
  return value;
}

/** The JSON object in `dir/name`. @throws UserError when it is missing or not one JSON object */
export function readJson(dir: string, name: string): JsonObject {
  const json = readJsonIfPresent(dir, name);
  if (json) return json;
  throw new UserError(
    `${path.join(dir, name)} cannot be read: there is no such file.`,
    "Name a checkpoint folder in Hugging Face layout.",
  );
}
