/**
 * @file A file of lines that may be large and may still grow: where each line is, what is to be remembered of it, and its text by
 * range. Only the index is held; a look at a file that has grown reads only what is new.
 */

import { type FileHandle, open } from "node:fs/promises";

/** Bytes read at a time. */
const CHUNK = 256 * 1024;

/** A line with more bytes than this is no line of ours: it is passed over like one that is damaged. */
const LONGEST = 8 * 1024 * 1024;

interface Entry<Fact> {
  readonly start: number;
  readonly length: number;
  readonly fact: Fact | undefined;
}

/** `Fact` is what is remembered of a line. */
export class IndexedLines<Fact> {
  readonly #file: string;
  readonly #digest: (text: string, line: number) => Fact | undefined;
  #entries: Entry<Fact>[] = [];
  /** Where the next line begins, and the text of the one before it. */
  #end = 0;
  #last: Buffer = Buffer.alloc(0);
  /** The last line has no line feed: more of it may come. */
  #isOpen = false;
  /** Of the file at the last look. */
  #stamp = "";
  #looking: Promise<boolean> | undefined;

  readonly #takesOpen: boolean;

  /**
   * `digest` makes the fact of a line from its text and its place, counted from 0; undefined for one that is damaged. It must not
   * throw. `takesOpen`: what stands behind the last line feed is a line too, in files that nobody is writing.
   */
  constructor(file: string, digest: (text: string, line: number) => Fact | undefined, { takesOpen = false } = {}) {
    this.#file = file;
    this.#digest = digest;
    this.#takesOpen = takesOpen;
  }

  /** What is remembered of each whole line; undefined for those that are damaged. */
  get facts(): (Fact | undefined)[] {
    return this.#entries.map(({ fact }) => fact);
  }

  /** Looks at the file again; whether anything has changed since. A file that is not there has no lines. */
  refresh(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** The texts of lines by their places; undefined where the file no longer has that line. Others are not read. */
  async read(lines: readonly number[]): Promise<(string | undefined)[]> {
    const handle = await openIfThere(this.#file);
    if (!handle) return lines.map(() => undefined);
    try {
      const texts: (string | undefined)[] = [];
      for (const line of lines) {
        const entry = this.#entries[line];
        texts.push(entry && (await readRange(handle, entry.start, entry.length))?.toString("utf8"));
      }
      return texts;
    } finally {
      await handle.close();
    }
  }

  async #look(): Promise<boolean> {
    const handle = await openIfThere(this.#file);
    if (!handle) return this.#forget("");
    try {
      const { size, mtimeMs, ino } = await handle.stat();
      const stamp = `${ino} ${size} ${mtimeMs}`;
      if (stamp === this.#stamp) return false;
      const before = this.#entries.length;
      // A file is appended to, or replaced by one in which lines were dropped or changed: then its last line differs.
      const goesOn = !this.#isOpen && (await this.#lastIsThere(handle, size));
      if (!goesOn) this.#forget("");
      await this.#scan(handle, size);
      this.#stamp = stamp;
      return !goesOn || this.#entries.length > before;
    } finally {
      await handle.close();
    }
  }

  #forget(stamp: string): boolean {
    const had = this.#entries.length > 0;
    this.#entries = [];
    this.#end = 0;
    this.#last = Buffer.alloc(0);
    this.#isOpen = false;
    this.#stamp = stamp;
    return had;
  }

  async #lastIsThere(handle: FileHandle, size: number): Promise<boolean> {
    if (this.#entries.length === 0) return true;
    if (size < this.#end) return false;
    const there = await readRange(handle, this.#end - this.#last.length, this.#last.length);
    return there?.equals(this.#last) ?? false;
  }

  /** Indexes the lines from `#end` on. */
  async #scan(handle: FileHandle, size: number): Promise<void> {
    let pieces: Buffer[] = [];
    let length = 0;
    for (let at = this.#end; at < size; ) {
      const chunk = await readRange(handle, at, Math.min(CHUNK, size - at));
      if (!chunk) return;
      let from = 0;
      for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
        pieces.push(chunk.subarray(from, to + 1));
        length += to + 1 - from;
        this.#add(pieces, length);
        pieces = [];
        length = 0;
        from = to + 1;
      }
      length += chunk.length - from;
      if (length <= LONGEST) pieces.push(chunk.subarray(from));
      at += chunk.length;
    }
    this.#isOpen = this.#takesOpen && length > 0;
    if (this.#isOpen) this.#add(pieces, length);
  }

  #add(pieces: readonly Buffer[], length: number): void {
    const bytes = length <= LONGEST ? Buffer.concat(pieces) : undefined;
    const fact = bytes && this.#digest(bytes.toString("utf8"), this.#entries.length);
    this.#entries.push({ start: this.#end, length, fact });
    this.#end += length;
    // The end of an overlong line stands for the whole.
    this.#last = bytes ?? Buffer.from(pieces.at(-1)!);
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  return open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(error.code ?? "")) return undefined;
    throw error;
  });
}

/** Undefined when the file no longer has these bytes. */
async function readRange(handle: FileHandle, start: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(length);
  let got = 0;
  while (got < length) {
    const { bytesRead } = await handle.read(bytes, got, length - got, start + got);
    if (bytesRead === 0) return undefined;
    got += bytesRead;
  }
  return bytes;
}
