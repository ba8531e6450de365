/** @file A text file that is written line by line beside its place, and renamed when it is complete. */
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { messageOf, UserError } from "../../util/errors.ts";
import { sync } from "../../util/files.ts";

/** Lines gathered before they are written. */
const BATCH = 1000;

/** A file that is written whole or not at all: unless it was committed, it is removed when its scope ends. */
export class PartialFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #batch: string[] = [];

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** @throws UserError when no file can be written there */
  static async open(path: string): Promise<PartialFile> {
    try {
      await mkdir(dirname(path), { recursive: true });
      return new PartialFile(path, await open(`${path}.partial`, "w"));
    } catch (error) {
      throw new UserError(`${path} cannot be written (${messageOf(error)}).`, "Check the path and its permissions.");
    }
  }

  async add(line: string): Promise<void> {
    this.#batch.push(line);
    if (this.#batch.length >= BATCH) await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#handle.write(this.#batch.join(""));
    this.#batch = [];
  }

  async commit(): Promise<void> {
    await this.#flush();
    await this.#handle.sync();
    await rename(`${this.#path}.partial`, this.#path);
    sync(dirname(this.#path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    await rm(`${this.#path}.partial`, { force: true });
  }
}
