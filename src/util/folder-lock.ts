/** @file One process at a time writes into a folder: the lock of a run, of an evaluation. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Lock, ownerOf } from "../../tools/lock.mjs";
import { UserError } from "./errors.ts";
import { cannotWrite } from "./files.ts";

/** The lock's file in its folder. It is left behind by a process that was killed; the next one takes it over. */
export const LOCK = ".lock";

/** Held until disposed. */
export class FolderLock {
  readonly #dir: string;
  readonly #lock: Lock;

  private constructor(dir: string, lock: Lock) {
    this.#dir = dir;
    this.#lock = lock;
  }

  /**
   * Makes the folder as needed.
   * @throws UserError when another process writes into it, or this one twice; when it cannot be written
   */
  static take(dir: string): FolderLock {
    const path = join(dir, LOCK);
    let lock: Lock | undefined;
    try {
      lock = Lock.tryTake(path);
    } catch (error) {
      throw cannotWrite(dir, error);
    }
    if (lock) return new FolderLock(dir, lock);
    throw new UserError(
      `${dir} is in use by ${ownerOf(path) ?? "another process"}.`,
      `Wait until that ends, or choose another folder. If it was killed, wait 30 s, or remove ${path}.`,
    );
  }

  /** For a check before long preparations. @throws UserError as `take` */
  static refuseInUse(dir: string): void {
    if (existsSync(join(dir, LOCK))) FolderLock.take(dir)[Symbol.dispose]();
  }

  /** Asked before each write: @throws UserError when the folder is gone, or another process has taken it over */
  assertHeld(): void {
    if (this.#lock.isHeld) return;
    throw existsSync(this.#dir)
      ? new UserError(
          `Another process has taken over ${this.#dir}: ${join(this.#dir, LOCK)} is no longer this one's.`,
          "Let one of them work in it at a time.",
        )
      : new UserError(
          `${this.#dir} was removed or renamed while it was written to.`,
          "Restore it and continue the work, or start anew.",
        );
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}
