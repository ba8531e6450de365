/** @file Saves checkpoints of a run, also when it is interrupted, and rolls it back to the last good one. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Recipe } from "./config/recipe.ts";
import { toImage } from "./config/recipe-options.ts";
import { solo, type Team } from "./distributed/team.ts";
import type { Engine } from "./engine/engine.ts";
import type { Checkpoint } from "./hub/run-checkpoints.ts";
import { writeAskedAs } from "./prompt/asked-as.ts";
import type { MetricsLine } from "./run/lines.ts";
import type { RunFolder } from "./run/run-folder.ts";
import { Interrupted, messageOf, UserError } from "./util/errors.ts";

/** A run has been rolled back, and ended: its message says to where, and why. */
export class RolledBack extends UserError {}

/** The checkpoints of a run that trains. */
export class Saving {
  readonly #run: RunFolder;
  readonly #engine: Engine;
  readonly #recipe: Recipe;
  readonly #team: Team;
  /** The last whole step, and the last that is in a checkpoint. */
  #done: number;
  #saved: number;
  /**
   * Are there steps that no checkpoint has, and are the weights those after the last of them? From a step's first update to its
   * line of metrics they are ahead of what is written: nothing then can be saved.
   */
  #unsaved = false;
  /** Had the last whole step a finite gradient? It then proves good the weights that it was made from. */
  #isGood = false;

  /** A run that goes on after `from` steps. The first of a team writes for all. */
  constructor(run: RunFolder, engine: Engine, recipe: Recipe, from: number, team: Team = solo) {
    this.#run = run;
    this.#engine = engine;
    this.#recipe = recipe;
    this.#team = team;
    this.#done = from;
    this.#saved = from;
  }

  /** The weights are about to change. */
  begin(): void {
    this.#unsaved = false;
  }

  /** A step is complete: its line is written. */
  end({ step, skipped }: Pick<MetricsLine, "step" | "skipped">): void {
    this.#done = step;
    this.#unsaved = true;
    this.#isGood = skipped === 0;
    // Only a latest checkpoint that has proved good makes older ones needless.
    if (this.#isGood && this.#team.leads) this.#run.prune(this.#recipe.save.keep);
  }

  /**
   * A Hugging Face folder, and beside it under `trainer/` what only training needs. Random streams and the place in the data are
   * functions of seed and step, so the step is all there is to remember of them. A team gathers for it, or has done so.
   */
  async save({ hasGathered = false } = {}): Promise<void> {
    const { method, image, save, steps } = this.#recipe;
    if (!hasGathered) {
      this.#team.at(`saving step ${this.#done}`);
      await this.#team.gather(undefined);
    }
    // What fails now is not tried again by `rescue`: it would fill a full disk once more.
    this.#unsaved = false;
    const signal = this.#team.broken;
    if (!this.#team.leads) {
      // Its part goes to the one who writes.
      await this.#engine.export("", { signal });
      await this.#engine.save("", { signal });
    } else {
      await this.#run.saveCheckpoint(this.#done, async (dir) => {
        mkdirSync(dir, { recursive: true });
        await this.#engine.export(dir, { signal });
        writeAskedAs(dir, { method, image: toImage(image) });
        await this.#engine.save(join(dir, "trainer"), { signal });
      });
      if (this.#done === steps && this.#isGood) this.#run.prune(save.keep);
    }
    this.#saved = this.#done;
  }

  /**
   * Goes back to a good step, in the engine too: later checkpoints are removed. Gives the latest that is left.
   * @param isHeld the engine still has the weights after that step, which are then saved if they are in no checkpoint
   */
  async rollBack(step: number, isHeld: boolean): Promise<Checkpoint | undefined> {
    this.#team.at(`rolling back to step ${step}`);
    if (this.#team.leads) this.#run.rollBack(step);
    const [left] = await this.#team.gather(this.#run.latestCheckpoint());
    if (isHeld && step > 0 && left?.step !== step) {
      this.#done = step;
      await this.save({ hasGathered: true });
    } else if (left && !isHeld) await this.#engine.load(join(left.dir, "trainer"));
    return this.#run.latestCheckpoint();
  }

  /**
   * Saves the last whole step when something ends the run before its time: a signal, a judge that is out, a want of memory, a
   * reward that fails, an image that is gone. Gives the error to end with.
   */
  async rescue(error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    if (error instanceof RolledBack) return error;
    const isSignal = signal?.aborted === true && error === signal.reason && !(error instanceof UserError);
    const stopped = error instanceof Interrupted || isSignal;
    try {
      const unsaved = await this.#team.settle(this.#unsaved ? this.#done : undefined);
      if (unsaved?.every((step) => step !== undefined && step === this.#done)) await this.save({ hasGathered: true });
    } catch (failure) {
      if (error instanceof UserError) return new UserError(error.message, messageOf(failure));
      return stopped ? failure : error;
    }
    const [done, saved, dir] = [this.#done, this.#saved, this.#run.dir];
    if (stopped) {
      const why = error instanceof Interrupted && error.message ? `${error.message}\n  ` : "";
      return new Interrupted(`${why}Interrupted after step ${saved}; the run is saved in ${dir}. Go on with --resume.`);
    }
    if (saved < done || !(error instanceof UserError)) return error;
    return new UserError(
      error.message,
      `Ended in step ${done + 1}; ${saved > 0 ? `the run is saved after step ${saved} in` : "nothing is saved yet in"} ${dir}. ` +
        "Go on with --resume.",
    );
  }
}
