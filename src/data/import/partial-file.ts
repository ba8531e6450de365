/** @file A text file that is written line by line beside its place, and renamed when it is complete. */
import { type FileHandle, open } from "node:fs/promises";
import { PartialFolder } from "../../util/partial-folder.ts";

/** Lines gathered before they are written. */
const BATCH = 1000;

const NAME = "lines";

/** A file that is written whole or not at all: unless it was committed, it is removed when its scope ends. */
export class PartialFile {
  readonly #work: PartialFolder;
  readonly #handle: FileHandle;
  #batch: string[] = [];

  private constructor(work: PartialFolder, handle: FileHandle) {
    this.#work = work;
    this.#handle = handle;
  }

  /** @throws UserError when no file can be written there, or another process writes it */
  static async open(path: string): Promise<PartialFile> {
    const work = PartialFolder.take(path);
    return new PartialFile(work, await open(work.path(NAME), "w"));
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
    this.#work.commit(NAME);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    this.#work.remove();
  }
}
