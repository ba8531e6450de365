/**
 * @file The run folder: everything about a run, in plain files. Each file is complete or absent, and `metrics.jsonl` grows line
 * by line, so that a live run can be read and a crash loses at most the current step.
 *
 *     run.json                        resolved recipe, seed, versions, machine, git revision, data hashes
 *     metrics.jsonl                   one line a step
 *     rollouts/step-NNNNNN.jsonl      every chain of a step
 *     images/<sha256>.<ext>           the images of the chains
 *     checkpoints/step-N/             all that is needed to resume
 *     eval/<name>/, summary.json, …   written by evaluations and the quickstart
 *
 * An existing run is never overwritten: `create` refuses it, `resume` continues it.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../tools/places.mjs";
import { type Checkpoint, checkpointDir, checkpointsIn } from "../hub/run-checkpoints.ts";
import { differences } from "../util/differences.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { sync, syncTree, writeWhole } from "../util/files.ts";
import { versions } from "../util/versions.ts";
import type { MetricsLine } from "./lines.ts";

/** What is known when a run begins. All of it is written, so it must not hold secrets. */
export interface RunInfo {
  /** The resolved recipe. */
  readonly recipe: { readonly seed: number };
  /** Version of libtorch in use. */
  readonly libtorch: string;
  /** Device, processor and threads. */
  readonly machine: object;
  /** Hash of each data set by its name or file, by `dataHash`. */
  readonly data: Readonly<Record<string, string>>;
}

export class RunFolder {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Begins a run in a folder that is new or empty. @throws as `refuseOccupied` */
  static create(dir: string, { recipe, libtorch, machine, data }: RunInfo): RunFolder {
    RunFolder.refuseOccupied(dir);
    const run = new RunFolder(dir);
    const info = { recipe, seed: recipe.seed, versions: versions(libtorch), machine, git: gitRevision(), data };
    run.writeJson("run.json", info);
    return run;
  }

  /** For a check before long preparations. @throws UserError when the folder holds a run, or anything else */
  static refuseOccupied(dir: string): void {
    if (fs.existsSync(join(dir, "run.json"))) {
      throw new UserError(
        `${dir} already holds a run.`,
        "Resume it with --resume, or choose another folder with --run.",
      );
    }
    if (fs.existsSync(dir) && (!fs.statSync(dir).isDirectory() || fs.readdirSync(dir).length > 0)) {
      throw new UserError(`${dir} is not empty and is not a run folder.`, "Choose another folder with --run.");
    }
  }

  /** A run to read from; nothing in it is changed. @throws UserError when the folder holds no run */
  static open(dir: string): RunFolder {
    if (!fs.existsSync(join(dir, "run.json"))) throw new UserError(`${dir} is not a run folder.`, "Check the path.");
    return new RunFolder(dir);
  }

  /**
   * Continues a run from its latest checkpoint, or from the start if it has none. What was written after that checkpoint is
   * removed, since those steps will be made again.
   * @throws UserError when the folder holds no run, or its metrics are damaged before their last line
   */
  static resume(dir: string): { run: RunFolder; checkpoint: Checkpoint | undefined } {
    if (!fs.existsSync(join(dir, "run.json"))) {
      throw new UserError(
        `${dir} is not a run folder, so there is nothing to resume.`,
        "Check --run, or leave out --resume to start a run.",
      );
    }
    const run = new RunFolder(dir);
    const checkpoint = run.latestCheckpoint();
    run.#rewind(checkpoint?.step ?? 0);
    return { run, checkpoint };
  }

  /**
   * Compares the recipe a run continues with to the one it began with. Changes are allowed, and recorded in `run.json`:
   * `changes: [{ step, key, from, to }]`, with the new recipe in the old one's place.
   */
  noteChanges(recipe: object, step: number): void {
    const info = this.readJson("run.json") as { recipe: object; changes?: object[] };
    const changes = differences(info.recipe, recipe).map((change) => ({ step, ...change }));
    if (changes.length === 0) return;
    this.writeJson("run.json", { ...info, recipe, changes: [...(info.changes ?? []), ...changes] });
  }

  /** The value of a JSON file of the run, e.g. `run.json`. @throws UserError when it is missing or damaged */
  readJson(name: string): unknown {
    const path = join(this.dir, name);
    try {
      return JSON.parse(fs.readFileSync(path, "utf8"));
    } catch (error) {
      throw new UserError(`${path} cannot be read (${messageOf(error)}).`, "It was removed or edited: restore it.");
    }
  }

  /** Writes a JSON file, e.g. `summary.json` or `eval/before/summary.json`. A number that is not finite becomes null. */
  writeJson(name: string, value: unknown): void {
    writeWhole(join(this.dir, name), `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Writes a JSON lines file, e.g. `eval/before/samples.jsonl`. */
  writeLines(name: string, lines: readonly object[]): void {
    writeWhole(join(this.dir, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  /** Adds the line of one step to `metrics.jsonl` and syncs it to the disk. A number that is not finite becomes null. */
  appendMetrics(line: { readonly step: number }): void {
    fs.appendFileSync(this.#metrics, `${JSON.stringify(line)}\n`);
    sync(this.#metrics);
  }

  /** The line of the last step; undefined before the first. */
  lastMetrics(): Pick<MetricsLine, "step" | "heldOut"> | undefined {
    const last = this.#metricsLines().at(-1);
    return last === undefined ? undefined : (JSON.parse(last) as MetricsLine);
  }

  /** Adds to the line of the last step what was measured after it. */
  amendMetrics(measured: Pick<MetricsLine, "heldOut">): void {
    const lines = this.#metricsLines();
    const last = { ...(JSON.parse(lines.pop()!) as object), ...measured };
    this.#writeMetrics([...lines, JSON.stringify(last)]);
  }

  /** Writes the chains of one step. */
  writeRollouts(step: number, lines: readonly object[]): void {
    this.writeLines(`rollouts/step-${String(step).padStart(6, "0")}.jsonl`, lines);
  }

  /**
   * Keeps an image under the hash of its bytes. `source` is its path or its bytes, `ext` without a dot. Gives its path in
   * the run folder: `images/<sha256>.<ext>`.
   */
  saveImage(sha256: string, source: string | Uint8Array, ext: string): string {
    const name = `images/${sha256}.${ext}`;
    const path = join(this.dir, name);
    if (!fs.existsSync(path)) writeWhole(path, typeof source === "string" ? fs.readFileSync(source) : source);
    return name;
  }

  /** Where the checkpoint of a step lies, or will lie. */
  checkpointDir(step: number): string {
    return checkpointDir(this.dir, step);
  }

  /** Saves a checkpoint: `write` fills a folder, which gets its name when it is complete and synced to the disk. */
  async saveCheckpoint(step: number, write: (dir: string) => Promise<void> | void): Promise<string> {
    const partial = join(this.dir, "checkpoints", `.tmp-step-${step}`);
    fs.rmSync(partial, { recursive: true, force: true });
    fs.mkdirSync(partial, { recursive: true });
    try {
      await write(partial);
      syncTree(partial);
    } catch (error) {
      // On a full disk it would take the room that is to be made.
      fs.rmSync(partial, { recursive: true, force: true });
      throw error;
    }
    const dir = this.checkpointDir(step);
    // Keep an old checkpoint of that step until the new one is complete: it may be the run's only one.
    const old = join(this.dir, "checkpoints", `.tmp-old-step-${step}`);
    if (fs.existsSync(dir)) {
      fs.rmSync(old, { recursive: true, force: true });
      fs.renameSync(dir, old);
    }
    fs.renameSync(partial, dir);
    sync(join(this.dir, "checkpoints"));
    fs.rmSync(old, { recursive: true, force: true });
    return dir;
  }

  /** The complete checkpoint with the most steps. */
  latestCheckpoint(): Checkpoint | undefined {
    return checkpointsIn(this.dir).at(-1);
  }

  /** Removes all complete checkpoints but the latest `keep`, and what an interrupted save left behind. */
  prune(keep: number): void {
    for (const name of this.#names("checkpoints").filter((name) => name.startsWith(".tmp-"))) {
      fs.rmSync(join(this.dir, "checkpoints", name), { recursive: true });
    }
    for (const { dir } of checkpointsIn(this.dir).slice(0, -keep)) fs.rmSync(dir, { recursive: true });
  }

  /** Removes the metrics and rollouts of the steps after `step`, and a last line that was being written. */
  #rewind(step: number): void {
    const kept = this.#metricsLines().filter((line, i) => stepOf(line, `${this.#metrics}:${i + 1}`) <= step);
    if (fs.existsSync(this.#metrics)) this.#writeMetrics(kept);
    for (const name of this.#names("rollouts")) {
      if (Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1]) > step) fs.rmSync(join(this.dir, "rollouts", name));
    }
  }

  get #metrics(): string {
    return join(this.dir, "metrics.jsonl");
  }

  /** The whole lines of `metrics.jsonl`. */
  #metricsLines(): string[] {
    return fs.existsSync(this.#metrics) ? fs.readFileSync(this.#metrics, "utf8").split("\n").slice(0, -1) : [];
  }

  #writeMetrics(lines: readonly string[]): void {
    writeWhole(this.#metrics, lines.map((line) => `${line}\n`).join(""));
  }

  #names(folder: string): string[] {
    const path = join(this.dir, folder);
    return fs.existsSync(path) ? fs.readdirSync(path) : [];
  }
}

function stepOf(line: string, where: string): number {
  try {
    const { step } = JSON.parse(line) as { step: unknown };
    if (typeof step === "number") return step;
  } catch {}
  throw new UserError(`${where}: is not a line of metrics`, "The file was damaged or edited: fix or remove the line.");
}

/** The commit of this program, marked when files differ from it; null outside its repository. */
function gitRevision(): string | null {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", packageRoot, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    if (fs.realpathSync(git("rev-parse", "--show-toplevel")) !== fs.realpathSync(packageRoot)) return null;
    return `${git("rev-parse", "HEAD")}${git("status", "--porcelain") === "" ? "" : "-dirty"}`;
  } catch {
    return null;
  }
}
