/** @file Writes files so that they are complete or absent, whatever happens meanwhile. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { messageOf, UserError } from "./errors.ts";

/**
 * Writes a file and makes its folders as needed: it is written beside its place, synced to the disk, then renamed.
 * @throws UserError when that cannot be done: no permission, a file where a folder should be, a full disk
 */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const partial = `${path}.partial`;
  try {
    makeFolders(dirname(path));
    // What a killed process has left; a link of that name would be followed.
    removeFile(partial);
    writeFileSync(partial, content, { flag: "wx" });
    sync(partial);
    renameSync(partial, path);
    sync(dirname(path));
  } catch (error) {
    removeFile(partial);
    throw cannotWrite(path, error);
  }
}

/** A folder with those above it; gives the first that was made. Node's own `recursive` never ends where none can be made: in `/proc`. */
function makeFolders(dir: string): string | undefined {
  const missing: string[] = [];
  for (let at = resolve(dir); !existsSync(at); at = dirname(at)) missing.unshift(at);
  if (missing.length === 0) return mkdirSync(dir, { recursive: true });
  for (const each of missing) {
    try {
      mkdirSync(each);
    } catch (error) {
      // Another process may have made it meanwhile.
      if (!existsSync(each)) throw error;
    }
  }
  return missing[0];
}

/** Removes a file or a link, if there is one; a folder stays. What is in the way then, the write that follows will say. */
function removeFile(path: string): void {
  try {
    if (!lstatSync(path).isDirectory()) rmSync(path);
  } catch {}
}

/**
 * For a check before long work at whose end a file or folder is written; leaves nothing behind.
 * @throws UserError as `writeWhole`, when it could not be written now
 */
export function needWritable(path: string): void {
  // A folder's name may end in a slash.
  const probe = `${resolve(path)}.probe`;
  let made: string | undefined;
  try {
    made = makeFolders(dirname(probe));
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    if (made !== undefined) rmSync(made, { recursive: true });
  }
}

/** What to say when a file or folder cannot be written. */
export function cannotWrite(path: string, error: unknown): UserError {
  return new UserError(
    `${path} cannot be written (${messageOf(error)}).`,
    "Check the path and its permissions, and that the disk has room.",
  );
}

/**
 * Made before much is written into a folder, which need not be there yet.
 * @throws UserError when its disk has no room for so many bytes
 */
export function needRoom(folder: string, bytes: number, what: string): void {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const size = (n: number) => (n < 1e8 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(1)} GB`);
  throw new UserError(
    `The disk of ${folder} has no room for ${what}: it takes ${size(bytes)}, and ${size(free)} are free.`,
    "Free some space, or write to another disk.",
  );
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
