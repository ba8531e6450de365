/**
 * @file The folder beside a result in which it is made, by one process at a time: `out`.partial. The result gets its name when it is
 * whole; what a killed process has left is removed by the next.
 */
import { existsSync, lstatSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { UserError } from "./errors.ts";
import { sync, syncTree } from "./files.ts";
import { FolderLock, LOCK } from "./folder-lock.ts";

/** It is this process's until disposed. */
export class PartialFolder {
  readonly dir: string;
  readonly #out: string;
  readonly #lock: FolderLock;

  private constructor(out: string, dir: string, lock: FolderLock) {
    this.#out = out;
    this.dir = dir;
    this.#lock = lock;
  }

  /** An empty folder for the parts of `out`. @throws UserError when another process makes `out`, or the folder cannot be written */
  static take(out: string): PartialFolder {
    const place = resolve(out);
    const dir = `${place}.partial`;
    // A file of that name is what another kind of work has left, and a link would be followed.
    if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(dir);
    const lock = FolderLock.take(dir);
    for (const name of readdirSync(dir)) if (name !== LOCK) rmSync(join(dir, name), { recursive: true });
    return new PartialFolder(place, dir, lock);
  }

  /** The path of a part. */
  path(name: string): string {
    return join(this.dir, name);
  }

  /**
   * Gives a part, a folder or a file, the result's name, in place of a file or an empty folder that has it.
   * @throws UserError when a folder that holds something has the name by now, or another process has taken over
   */
  commit(name: string): void {
    this.#lock.assertHeld();
    const part = this.path(name);
    const isFolder = lstatSync(part).isDirectory();
    if (isFolder && existsSync(this.#out) && readdirSync(this.#out).length > 0)
      throw new UserError(`${this.#out} has come into being meanwhile.`, "Choose another --out, or move it away.");
    if (isFolder) syncTree(part);
    else sync(part);
    renameSync(part, this.#out);
    sync(dirname(this.#out));
  }

  /** Removes the folder with what is left in it. */
  remove(): void {
    this[Symbol.dispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Lets other processes make the result; the parts stay. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}
