/** @file The checkpoints of a run folder, which are models. */
import { join } from "node:path";
import { foldersIn } from "./folder-kind.ts";

/** A complete checkpoint of a run. */
export interface Checkpoint {
  readonly step: number;
  readonly dir: string;
}

/** Where a run's checkpoint after a step lies. */
export function checkpointDir(run: string, step: number): string {
  return join(run, "checkpoints", `step-${step}`);
}

/** The complete checkpoints of a run folder, in the order of their steps: a folder takes its name when it is complete. */
export function checkpointsIn(run: string): Checkpoint[] {
  return foldersIn(join(run, "checkpoints"))
    .flatMap((dir) => /[\\/]step-([1-9]\d{0,14})$/.exec(dir)?.[1] ?? [])
    .map((digits) => ({ step: Number(digits), dir: checkpointDir(run, Number(digits)) }))
    .sort((a, b) => a.step - b.step);
}
