/**
 * @file The run folder: everything about a run, in plain files. Each file is complete or absent, and `metrics.jsonl` grows line
 * by line, so that a live run can be read and a crash loses at most the current step.
 *
 *     run.json                        resolved recipe, seed, versions, machine, git revision, data hashes
 *     metrics.jsonl                   one line a step
 *     rollouts/step-NNNNNN.jsonl      every chain of a step
 *     images/<sha256>.<ext>           the images of the chains
 *     checkpoints/step-N/             all that is needed to resume
 *     .lock                           while a process trains here
 *     eval/<name>/, summary.json, …   written by evaluations and the quickstart
 *
 * An existing run is never overwritten: `create` refuses it, `resume` continues it, one process at a time.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageRoot } from "../../tools/places.mjs";
import { type Checkpoint, checkpointDir, checkpointsIn } from "../hub/run-checkpoints.ts";
import { type Difference, differences } from "../util/differences.ts";
import { isSystemError, UserError } from "../util/errors.ts";
import { cannotWrite, needWritable, sync, syncTree, writeWhole } from "../util/files.ts";
import { FolderLock, LOCK } from "../util/folder-lock.ts";
import { isObject } from "../util/json-object.ts";
import { versions } from "../util/versions.ts";
import { type Metrics, type MetricsLine, metricsSchema, runSchema } from "./lines.ts";
import { parsedRun, readRunFile, refuseLinks } from "./run-files.ts";

const METRICS = "metrics.jsonl";
/** What a checkpoint is called while another of its step takes its place. */
const OLD = ".tmp-old-step-";

/** What is known when a run begins. All of it is written, so it must not hold secrets. */
export interface RunInfo {
  /** The resolved recipe. */
  readonly recipe: { readonly seed: number };
  /** Version of libtorch in use. */
  readonly libtorch: string;
  /** Device, processor and threads. */
  readonly machine: object;
  /** Hash of the model it starts from, by `modelHash`. */
  readonly model: string;
  /** Hash of each data set by its name or file, by `dataHash`. */
  readonly data: Readonly<Record<string, string>>;
}

/** What a run began with, or went on with when it was last resumed. */
export interface BegunInfo extends Pick<RunInfo, "recipe" | "data"> {
  /** Absent in the folders of older versions. */
  readonly model?: string | undefined;
}

/** A recipe as it was written, its keys in their order. */
const begunRecipe = z.custom<BegunInfo["recipe"]>(
  (value) => isObject(value) && typeof value.seed === "number",
  "is not a recipe with a seed",
);
/** `run.json` with what going on needs; all else in it is kept. */
const begunSchema = runSchema.extend({ recipe: begunRecipe, data: z.record(z.string(), z.string()) }).loose();

export class RunFolder {
  readonly dir: string;
  #lock: FolderLock | undefined;

  private constructor(dir: string, lock?: FolderLock) {
    this.dir = dir;
    this.#lock = lock;
  }

  /**
   * Begins a run in a folder that is new or empty, which is this process's until `release`.
   * @throws UserError as `refuseUnfit`
   */
  static create(dir: string, { recipe, libtorch, machine, model, data }: RunInfo): RunFolder {
    RunFolder.#refuseOccupied(dir);
    const run = new RunFolder(dir, FolderLock.take(dir));
    const info = { recipe, seed: recipe.seed, versions: versions(libtorch), machine, git: gitRevision(), model, data };
    try {
      run.writeJson("run.json", info);
    } catch (error) {
      run.release();
      throw error;
    }
    return run;
  }

  /**
   * For a check before long preparations: can a run begin in a folder, or `resume` there? Nothing is written.
   * @throws UserError when it holds a run to begin, or none to resume, or anything else; when another process trains there; when
   * it cannot be written
   */
  static refuseUnfit(dir: string, resume: boolean): void {
    if (resume) RunFolder.open(dir);
    else RunFolder.#refuseOccupied(dir);
    FolderLock.refuseInUse(dir);
    needWritable(join(dir, "run.json"));
  }

  static #refuseOccupied(dir: string): void {
    if (fs.existsSync(join(dir, "run.json"))) {
      throw new UserError(
        `${dir} already holds a run.`,
        "Resume it with --resume, or choose another folder with --run.",
      );
    }
    // What a process has left that was killed before it had begun is nobody's.
    const isTrace = (name: string) => name === LOCK || name === "run.json.partial";
    if (fs.existsSync(dir) && (!fs.statSync(dir).isDirectory() || !fs.readdirSync(dir).every(isTrace))) {
      throw new UserError(`${dir} is not empty and is not a run folder.`, "Choose another folder with --run.");
    }
  }

  /** A run to read from; nothing in it is changed. @throws UserError when the folder holds no run, or a link leads out of it */
  static open(dir: string): RunFolder {
    if (fs.existsSync(join(dir, "run.json"))) {
      refuseLinks(dir);
      return new RunFolder(dir);
    }
    throw new UserError(
      `${dir} is not a run folder: it has no run.json.`,
      "Check the path; to start a run there, leave out --resume.",
    );
  }

  /**
   * A run to continue from its latest checkpoint, or from the start if it has none; it is this process's until `release`.
   * Nothing in it is changed before `goOn`.
   * @throws UserError as `open`, and when another process trains there
   */
  static resume(dir: string): { run: RunFolder; checkpoint: Checkpoint | undefined } {
    RunFolder.open(dir);
    const run = new RunFolder(dir, FolderLock.take(dir));
    run.#restoreReplaced();
    run.#removeLeft();
    return { run, checkpoint: run.latestCheckpoint() };
  }

  /** The run that another process writes, as those see it that train together with it. It need not be there. */
  static followed(dir: string): RunFolder {
    return new RunFolder(dir);
  }

  /** Gives a checkpoint its name back whose replacement a killed process had not named yet. */
  #restoreReplaced(): void {
    for (const name of this.#names("checkpoints")) {
      const replaced = join(this.dir, "checkpoints", name.replace(OLD, "step-"));
      if (name.startsWith(OLD) && !fs.existsSync(replaced))
        fs.renameSync(join(this.dir, "checkpoints", name), replaced);
    }
  }

  /** What the run began with. @throws UserError when run.json is damaged */
  begun(): BegunInfo {
    return this.#begun();
  }

  #begun(): z.infer<typeof begunSchema> {
    const path = join(this.dir, "run.json");
    const text = readRunFile(path);
    if (text === undefined) throw new UserError(`${path} is missing.`, "It was removed: restore it.");
    return parsedRun(text, begunSchema, path);
  }

  /** The keys in which a recipe differs from the one the run began with. */
  changesTo(recipe: object): Difference[] {
    return differences(this.begun().recipe, JSON.parse(JSON.stringify(recipe)));
  }

  /**
   * The run goes on after `step` with a recipe that may have changed: `run.json` gets it in the old one's place, and
   * `changes: [{ step, key, from, to }]`. What was written after that step is removed, since it will be made again.
   * @throws UserError when the metrics are damaged before their last line, or lack one of these steps; nothing has then been changed
   */
  goOn(step: number, { recipe, model }: Pick<RunInfo, "recipe" | "model">): void {
    const kept = this.#linesUntil(step);
    const info = this.#begun();
    const changes = this.changesTo(recipe).map((change) => ({ step, ...change }));
    if (changes.length > 0) {
      this.writeJson("run.json", { ...info, recipe, model, changes: [...(info.changes ?? []), ...changes] });
    } else if (info.model === undefined) this.writeJson("run.json", { ...info, model });
    if (fs.existsSync(this.#metrics)) this.#writeMetrics(kept);
    for (const name of this.#names("rollouts")) {
      if (Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1]) > step) fs.rmSync(join(this.dir, "rollouts", name));
    }
  }

  /** Lets other processes write into the folder. */
  release(): void {
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  /** Writes a JSON file, e.g. `summary.json` or `eval/before/summary.json`. A number that is not finite becomes null. */
  writeJson(name: string, value: unknown): void {
    this.#write(name, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Writes a JSON lines file, e.g. `eval/before/samples.jsonl`. */
  writeLines(name: string, lines: readonly object[]): void {
    this.#write(name, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  /**
   * Adds the line of one step to `metrics.jsonl` and syncs it to the disk. A number that is not finite becomes null.
   * @throws UserError when that file or run.json is gone: nobody could go on with what is left
   */
  appendMetrics(line: { readonly step: number }): void {
    this.#lock?.assertHeld();
    for (const path of [join(this.dir, "run.json"), ...(line.step > 1 ? [this.#metrics] : [])])
      if (!fs.existsSync(path))
        throw new UserError(`${path} was removed while the run was written to.`, "Restore it, or start anew.");
    try {
      fs.appendFileSync(this.#metrics, `${JSON.stringify(line)}\n`);
      sync(this.#metrics);
    } catch (error) {
      throw cannotWrite(this.#metrics, error);
    }
  }

  /** The lines of the steps so far. @throws UserError for one that is none */
  metrics(): Metrics[] {
    return this.#metricsLines().map((line, i) => parsedRun(line, metricsSchema, `${this.#metrics}:${i + 1}`));
  }

  /**
   * How many updates the steps up to this one have made; undefined where an older version wrote a line of them.
   * @throws UserError as `goOn`
   */
  updatesUntil(step: number): number | undefined {
    const made = this.#linesUntil(step).map((line) => (JSON.parse(line) as Metrics).updates);
    return made.reduce((sum, updates) => (sum === undefined || updates === undefined ? undefined : sum + updates), 0);
  }

  /** The lines of the steps from the first to this one. */
  #linesUntil(step: number): string[] {
    const steps = this.#metricsLines().map((line, i) => ({ line, step: stepOf(line, `${this.#metrics}:${i + 1}`) }));
    const kept = steps.filter((each) => each.step <= step);
    const odd = kept.findIndex((each, i) => each.step !== i + 1);
    if (odd >= 0 || kept.length < step)
      throw new UserError(
        `${this.#metrics}${odd < 0 ? "" : `:${odd + 1}`} lacks step ${odd < 0 ? kept.length + 1 : odd + 1}, but the run's checkpoint is of step ${step}.`,
        "The file or the checkpoint's folder was edited or renamed: restore them, or begin a new run by another --run.",
      );
    return kept.map(({ line }) => line);
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
    if (!fs.existsSync(path)) this.#write(name, typeof source === "string" ? fs.readFileSync(source) : source);
    return name;
  }

  /** Where the checkpoint of a step lies, or will lie. */
  checkpointDir(step: number): string {
    return checkpointDir(this.dir, step);
  }

  /**
   * Saves a checkpoint: `write` fills a folder, which gets its name when it is complete and synced to the disk.
   * @throws UserError when it cannot be written; nothing of it is then left, and an older one of that step stays
   */
  async saveCheckpoint(step: number, write: (dir: string) => Promise<void> | void): Promise<string> {
    this.#lock?.assertHeld();
    const dir = this.checkpointDir(step);
    const partial = join(this.dir, "checkpoints", `.tmp-step-${step}`);
    // Keep an old checkpoint of that step until the new one is complete: it may be the run's only one.
    const old = join(this.dir, "checkpoints", `${OLD}${step}`);
    try {
      for (const left of [partial, old]) fs.rmSync(left, { recursive: true, force: true });
      fs.mkdirSync(partial, { recursive: true });
      await write(partial);
      syncTree(partial);
      this.#lock?.assertHeld();
      if (fs.existsSync(dir)) fs.renameSync(dir, old);
      fs.renameSync(partial, dir);
      sync(join(this.dir, "checkpoints"));
      fs.rmSync(old, { recursive: true, force: true });
      return dir;
    } catch (error) {
      // On a full disk it would take the room that is to be made.
      fs.rmSync(partial, { recursive: true, force: true });
      this.#lock?.assertHeld();
      throw isSystemError(error) ? cannotWrite(dir, error) : error;
    }
  }

  /** The complete checkpoint with the most steps. */
  latestCheckpoint(): Checkpoint | undefined {
    return checkpointsIn(this.dir).at(-1);
  }

  /** Removes all complete checkpoints but the latest `keep`, and what an interrupted save left behind. */
  prune(keep: number): void {
    this.#removeLeft();
    for (const checkpoint of checkpointsIn(this.dir).slice(0, -keep)) this.#removeCheckpoint(checkpoint);
  }

  /** Removes the checkpoints of later steps. */
  rollBack(step: number): void {
    this.#lock?.assertHeld();
    for (const checkpoint of checkpointsIn(this.dir).reverse()) {
      if (checkpoint.step > step) this.#removeCheckpoint(checkpoint);
    }
  }

  /** A checkpoint loses its name first: one that is half removed never counts as complete. */
  #removeCheckpoint({ step, dir }: Checkpoint): void {
    // By another name first: half of a checkpoint must not bear the name of a whole one.
    const gone = join(this.dir, "checkpoints", `.tmp-gone-step-${step}`);
    fs.renameSync(dir, gone);
    fs.rmSync(gone, { recursive: true });
  }

  /** Removes what a save or a removal that was broken off has left. */
  #removeLeft(): void {
    for (const name of this.#names("checkpoints").filter((name) => name.startsWith(".tmp-")))
      fs.rmSync(join(this.dir, "checkpoints", name), { recursive: true });
  }

  get #metrics(): string {
    return join(this.dir, METRICS);
  }

  /** The whole lines of `metrics.jsonl`. */
  #metricsLines(): string[] {
    return (readRunFile(this.#metrics) ?? "").split("\n").slice(0, -1);
  }

  #writeMetrics(lines: readonly string[]): void {
    this.#write(METRICS, lines.map((line) => `${line}\n`).join(""));
  }

  /** @throws UserError when the folder is no longer there, or no longer this process's, and as `writeWhole` */
  #write(name: string, content: string | Uint8Array): void {
    this.#lock?.assertHeld();
    writeWhole(join(this.dir, name), content);
  }

  #names(folder: string): string[] {
    const path = join(this.dir, folder);
    return fs.existsSync(path) ? fs.readdirSync(path) : [];
  }
}

function stepOf(line: string, where: string): number {
  return parsedRun(line, metricsSchema.pick({ step: true }), where).step;
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
