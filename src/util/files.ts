/** @file Writes files so that they are complete or absent, whatever happens meanwhile. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, UserError } from "./errors.ts";

/**
 * Writes a file and makes its folders as needed: it is written beside its place, synced to the disk, then renamed.
 * @throws UserError when that cannot be done: no permission, a file where a folder should be, a full disk
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const partial = `${path}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(partial, content);
    sync(partial);
    renameSync(partial, path);
    sync(dirname(path));
  } catch (error) {
    if (existsSync(partial)) rmSync(partial);
    throw new UserError(
      `${path} cannot be written (${messageOf(error)}).`,
      "Check the path and its permissions, and that the disk has room.",
    );
  }
}

/** Syncs a file, or the list of names in a folder, to the disk. */
export function sync(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}

/** As `sync`, for a folder and everything below it. */
export function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) syncTree(path);
    else if (entry.isFile()) sync(path);
  }
  sync(folder);
}
