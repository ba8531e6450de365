/** @file How the files of runs and evaluations are read, which may come from strangers: text of a schema, in their own folder. */
import { isUtf8 } from "node:buffer";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import type { z } from "zod";
import { isSystemError, messageOf, UserError } from "../util/errors.ts";

const DAMAGED = "The file was damaged or edited: restore it, or fix what is named.";

/** The text of a file, or undefined where there is none. @throws UserError when it cannot be read, or is no text */
export function readRunFile(file: string): string | undefined {
  try {
    return runText(readFileSync(file), file);
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT") return undefined;
    throw error instanceof UserError ? error : unreadableRunFile(file, error);
  }
}

/** The bytes of a file as text. @throws UserError when they are none */
export function runText(bytes: Buffer, file: string): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw new UserError(`${file}: is not UTF-8 text`, DAMAGED);
}

/** What to say of a file that is there and cannot be read. */
export function unreadableRunFile(file: string, error: unknown): UserError {
  return new UserError(`${file} cannot be read (${messageOf(error)}).`, "Restore the file, or check its permissions.");
}

/** The value of a text of JSON. @param where `file` or `file:line`. @throws UserError naming the first key that does not fit */
export function parsedRun<T>(text: string, schema: z.ZodType<T>, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${where}: not valid JSON`, DAMAGED);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw new UserError(
    `${where}: ${issue.path.join(".") || "value"}: ${issue.message}`,
    "It was damaged, edited, or written by another version.",
  );
}

/**
 * A run is read and written in its folder alone: what a link in it leads to would be changed or shown with it.
 * @throws UserError naming a link that leads out of the folder, or nowhere
 */
export function refuseLinks(dir: string): void {
  const home = realpathSync(dir);
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const target = targetOf(link);
    if (target?.startsWith(`${home}${sep}`)) continue;
    throw new UserError(
      `${link} is a link ${target === undefined ? "to nothing" : `out of the folder, to ${target}`}.`,
      "Put the file or folder itself in its place; the whole folder may be a link.",
    );
  }
}

/** What a link leads to; undefined where that is not there. */
function targetOf(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}
