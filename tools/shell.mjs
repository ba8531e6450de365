/**
 * @file What the set-up scripts share: running programs, and the fault a user can mend. Node's built-ins only, because
 * these scripts run before any dependency is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Something on this machine is missing or full. `remedy` says what to do; the script ends with exit code 2. */
export class Stop extends Error {
  constructor(message, remedy) {
    super(`${message}\n  ${remedy}`);
  }
}

/** The full path of a program on PATH, or undefined. */
export function which(program) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** The standard output of a program that runs quietly, or undefined when it is missing or fails. */
export function ask(program, ...args) {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return status === 0 ? stdout.trim() : undefined;
}

/** A `Stop` when the disk under `folder`, which need not be there yet, has less than `gigabytes` free for `what`. */
export function needSpace(folder, gigabytes, what) {
  if (!existsSync(folder)) return needSpace(dirname(folder), gigabytes, what);
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 2 ** 30;
  if (free >= gigabytes) return;
  const message = `Not enough disk space for ${what}: ${gigabytes} GB are needed, ${free.toFixed(2)} GB are free at ${folder}.`;
  throw new Stop(message, "Free some space and run the command again.");
}

/**
 * Runs a program with its output on ours. Returns what it wrote to standard error and its exit code; a full disk is a
 * `Stop` whoever meets it.
 */
export async function run(program, args, options = {}) {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "inherit", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
    process.stderr.write(chunk);
  });
  const code = await new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", done);
  });
  if (code !== 0 && /No space left on device|ENOSPC/.test(stderr)) {
    throw new Stop(`The disk is full: ${program} could not write.`, "Free some space and run the command again.");
  }
  return { code, stderr };
}
