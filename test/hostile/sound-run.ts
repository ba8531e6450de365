/** @file A sound run of two steps over a tiny checkpoint, made once for all run folders that are spoiled. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRecipe } from "../../src/config/recipe.ts";
import { train } from "../../src/train.ts";
import { writeSmallRecipe } from "../small-run.ts";

export interface SoundRun {
  /** The run's folder. */
  readonly dir: string;
  /** Its recipe, which trains one step more. */
  readonly recipe: string;
}

/** The commands that read a run folder. */
export const RUN_COMMANDS = ["report", "resume", "export"] as const;
export type RunCommand = (typeof RUN_COMMANDS)[number];

/** One of them on `DIR/run`, a copy of the run. */
export function commandOn(command: RunCommand, recipe: string): string[] {
  if (command === "report") return ["report", "DIR/run"];
  if (command === "resume") return ["train", recipe, "--run", "DIR/run", "--resume"];
  return ["export", "--model", "DIR/run", "--out", "DIR/out"];
}

let made: Promise<SoundRun> | undefined;

/** The run. Its folder is removed when the process ends. */
export function soundRun(): Promise<SoundRun> {
  made ??= make();
  return made;
}

async function make(): Promise<SoundRun> {
  const scratch = mkdtempSync(join(tmpdir(), "grit-sound-run-"));
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
  const recipe = writeSmallRecipe(scratch, [
    "data: { train: [train.jsonl], eval: { held: train.jsonl } }",
    "steps: 3",
    "prompts_per_step: 2",
    "loss: { beta: 0 }",
    "optimizer: { lr: 1.0e-3 }",
    "freeze: [vision, connector]",
    "eval: { every: 1 }",
    "save: { every: 1 }",
  ]);
  const dir = join(scratch, "run");
  await train(await loadRecipe(recipe, ["steps=2"]), { run: dir });
  return { dir, recipe };
}

/** A text file of the run. */
export function textOf({ dir }: SoundRun, name: string): string {
  return readFileSync(join(dir, name), "utf8");
}
