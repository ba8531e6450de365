/** @file What to say of a file that cannot be opened or read. */
import { isAbsolute } from "node:path";
import { messageOf, UserError } from "./errors.ts";

/** A path from a recipe is absolute by now; one from the command line is as it was typed and starts at the current directory. */
export function unreadable(file: string, error: unknown): UserError {
  const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
  const what = missing ? "no such file" : `cannot be read (${messageOf(error)})`;
  const start = isAbsolute(file)
    ? "Check the path; in a recipe, paths start at the recipe's folder, in an override at the current directory."
    : `Check the path; it starts at the current directory, ${process.cwd()}.`;
  return new UserError(`${file}: ${what}`, start);
}
