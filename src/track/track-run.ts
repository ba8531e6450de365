/** @file Gives a run to trackers: a run folder as far as it has come, or each step of a training while it goes on. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { TrackerName } from "../config/recipe.ts";
import type { Metrics } from "../run/lines.ts";
import { readRollouts, readRunFolder } from "../run/read-run.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { needWritable, writeWhole } from "../util/files.ts";
import { parquet } from "./parquet-tables.ts";
import { tensorboard } from "./tensorboard.ts";
import type { TrackedRun, Tracker, TrackerKind } from "./tracker.ts";
import { trackio } from "./trackio.ts";
import { wandb } from "./wandb.ts";

export const TRACKERS: Readonly<Record<TrackerName, TrackerKind>> = { tensorboard, wandb, trackio, parquet };

/** What was written for a tracker. */
export interface Tracked {
  readonly steps: number;
  /** The folder in which it is. */
  readonly out: string;
  /** How to look at it. */
  readonly look: string;
}

/**
 * Writes a run, finished or live, for a tracker: all its steps so far, anew. All that is read is read once before anything is
 * written.
 * @param out the folder to write into, if not the tracker's usual one
 * @throws UserError when the folder holds no run or no step, when a file in it is damaged, or when `out` cannot be written
 */
export async function trackRun(dir: string, name: TrackerName, out = TRACKERS[name].folder(dir)): Promise<Tracked> {
  const { metrics, run } = await readRunFolder(dir);
  if (metrics.length === 0) throw new UserError(`${dir} has no steps yet.`, "Wait for the first, or name another run.");
  for (const { step } of metrics) await readRollouts(dir, step);
  needWritable(join(out, "run"));
  const tracker = await TRACKERS[name].open(trackedRun(dir, run?.recipe), out);
  for (const line of metrics) await tracker.step(line);
  await tracker.close();
  return { steps: metrics.length, out, look: TRACKERS[name].look(out) };
}

/**
 * Follows a training for some trackers. Steps wait in a row of their own, so that training waits for none; a tracker that fails
 * says so once and is left out from then on.
 */
export class Followers {
  readonly #each: readonly Follower[];

  /** @param warn told once of each tracker that fails, and what to do */
  constructor(dir: string, names: readonly TrackerName[], warn: (message: string) => void) {
    this.#each = [...new Set(names)].map((name) => new Follower(dir, name, warn));
  }

  /** To be called when a step is in the run folder. Returns at once. */
  after(line: Metrics): void {
    for (const follower of this.#each) follower.after(line);
  }

  /** To be called after the last step. Returns when all is written; never throws. */
  async close(): Promise<void> {
    for (const follower of this.#each) follower.close();
    await this.written();
  }

  /** Waits for what is still to be written. Never throws. */
  async written(): Promise<void> {
    await Promise.all(this.#each.map((follower) => follower.written));
  }
}

/** One tracker of a training. */
class Follower {
  /** Ends when all that was given so far is written, or has failed. */
  written: Promise<void> = Promise.resolve();
  readonly #dir: string;
  readonly #name: TrackerName;
  readonly #warn: (message: string) => void;
  #tracker: Tracker | undefined;
  #failed = false;

  constructor(dir: string, name: TrackerName, warn: (message: string) => void) {
    this.#dir = dir;
    this.#name = name;
    this.#warn = warn;
  }

  after(line: Metrics): void {
    this.#then(async () => {
      this.#tracker ??= await this.#open(line.step);
      await this.#tracker.step(line);
    });
  }

  close(): void {
    this.#then(async () => this.#tracker?.close());
  }

  #then(work: () => Promise<void>): void {
    this.written = this.written.then(async () => {
      if (this.#failed) return;
      try {
        await work();
      } catch (error) {
        this.#failed = true;
        this.#warn(
          `tracker ${this.#name} is left out from now on: ${messageOf(error)}\n` +
            `  Training goes on. Write it later with: grit track ${this.#dir} --to ${this.#name}`,
        );
      }
    });
  }

  /** Begins with the steps before the first that it is given: an earlier part of the run has made them. */
  async #open(step: number): Promise<Tracker> {
    const { metrics, run } = await readRunFolder(this.#dir);
    const kind = TRACKERS[this.#name];
    const tracker = await kind.open(trackedRun(this.#dir, run?.recipe), kind.folder(this.#dir));
    for (const line of metrics.filter((each) => each.step < step)) await tracker.step(line);
    return tracker;
  }
}

/** A run as trackers know it. Its id is made once and kept beside what they write. */
function trackedRun(dir: string, recipe: unknown): TrackedRun {
  const file = join(dir, "track", "id");
  if (!existsSync(file)) writeWhole(file, randomBytes(4).toString("hex"));
  return { dir, name: basename(resolve(dir)), id: readFileSync(file, "utf8").trim(), recipe };
}
