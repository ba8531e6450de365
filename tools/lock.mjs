/**
 * @file One process at a time where two would do the same work twice: a download, a set-up. The lock is a file that its holder
 * touches again and again: one left untouched, or whose process is gone, belongs to nobody. Node's built-ins only, because
 * set-up runs before any dependency is installed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Milliseconds between two touches, between two looks at another's lock, and after which an untouched one is nobody's. */
const TOUCH = 2_000;
const LOOK = 200;
const STALE = 30_000;

/** When this process began: another had its number before, in a container that was started again. */
const SINCE = new Date(performance.timeOrigin).toISOString();

/** Earlier versions did not write since when. */
const OWNER = /^process (\d+) on (\S{1,255})(?: since (\S{1,40}))?$/;

/** A lock that is held until it is disposed. */
export class Lock {
  #path;
  #owner;
  #timer;

  /**
   * Use `Lock.take` or `Lock.tryTake`.
   * @param {string} path
   * @param {string} owner
   */
  constructor(path, owner) {
    this.#path = path;
    this.#owner = owner;
    this.#timer = setInterval(() => this.#touch(), TOUCH).unref();
  }

  /**
   * Takes the lock; undefined where another has it.
   * @param {string} path
   * @returns {Lock | undefined}
   */
  static tryTake(path) {
    mkdirSync(dirname(path), { recursive: true });
    const owner = `process ${process.pid} on ${hostname()} since ${SINCE}`;
    while (!create(path, owner)) {
      if (!isNobodys(path)) return undefined;
      rmSync(path, { force: true });
    }
    return new Lock(path, owner);
  }

  /**
   * Waits until the lock is free, and takes it. `onWait` is told once who has it.
   * @param {string} path
   * @param {(owner: string) => void} onWait
   * @param {AbortSignal} [signal]
   * @returns {Promise<Lock>}
   */
  static async take(path, onWait, signal) {
    for (let told = false; ; told = true) {
      const lock = Lock.tryTake(path);
      if (lock) return lock;
      if (!told) onWait(ownerOf(path) ?? "another process");
      await setTimeout(LOOK, undefined, signal && { signal });
    }
  }

  /** False once another has taken it over, or the file is gone. */
  get isHeld() {
    return ownerOf(this.#path) === this.#owner;
  }

  /** @returns {void} */
  [Symbol.dispose]() {
    clearInterval(this.#timer);
    if (this.isHeld) rmSync(this.#path, { force: true });
  }

  #touch() {
    if (this.isHeld) utimesSync(this.#path, new Date(), new Date());
  }
}

/** Makes the file unless there is one. */
function create(path, owner) {
  try {
    writeFileSync(path, owner, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    rmSync(path, { force: true });
    throw error;
  }
}

function isNobodys(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  const [, pid, host, since] = OWNER.exec(ownerOf(path) ?? "") ?? [];
  if (host === hostname() && (Number(pid) === process.pid ? since !== SINCE : !isAlive(Number(pid)))) return true;
  return stat !== undefined && Date.now() - stat.mtimeMs > STALE;
}

/**
 * The holder of a lock, as its file says; undefined without a lock, or where the file names no process.
 * @param {string} path
 */
export function ownerOf(path) {
  const owner = existsSync(path) ? readFileSync(path, "utf8") : "";
  return OWNER.test(owner) ? owner : undefined;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
