/** @file What a service answered, on disk by what was asked: one small file each, shared by all processes. */

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, UserError } from "../util/errors.ts";

/** The name of a request: a hash of where it goes and every byte of it. */
export function nameOf(url: string, body: string): string {
  return createHash("sha256").update(url).update("\n").update(body).digest("hex");
}

export class AnswerCache {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /**
   * The score kept under a name. What is no number, such as a file cut short when the power failed, is as none.
   * @throws UserError when the file is there and cannot be read
   */
  async get(name: string): Promise<number | undefined> {
    const path = this.#path(name);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
      throw new UserError(
        `${path} cannot be read (${messageOf(error)}).`,
        "Check the judge's openai.cache.",
        "openai.cache",
      );
    });
    const score = /^\{"score":(\d+(?:\.\d+)?(?:e-\d+)?),"at":"[^"]*"\}\n$/.exec(text)?.[1];
    return score === undefined ? undefined : Number(score);
  }

  /** Keeps a score. @throws UserError when the file cannot be written */
  async put(name: string, score: number): Promise<void> {
    const path = this.#path(name);
    try {
      await mkdir(dirname(path), { recursive: true });
      // Not beside its place first: what a killed process leaves of it is as none.
      await writeFile(path, `${JSON.stringify({ score, at: new Date().toISOString() })}\n`);
    } catch (error) {
      throw new UserError(
        `${path} cannot be written (${messageOf(error)}).`,
        "Check the judge's openai.cache.",
        "openai.cache",
      );
    }
  }

  #path(name: string): string {
    return join(this.dir, name.slice(0, 2), `${name.slice(2)}.json`);
  }
}
