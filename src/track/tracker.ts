/**
 * @file What a tracker is: something that keeps a run's steps as files which other programs open. Each begins anew in its folder
 * and is then given every step once, in order. All it writes comes from the run folder, so it can be made again at any time.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Metrics } from "../run/lines.ts";

/** The run that a tracker follows. */
export interface TrackedRun {
  /** The run folder. */
  readonly dir: string;
  /** The folder's name, e.g. `tiny`. */
  readonly name: string;
  /** Eight letters or digits of its own, for trackers that tell runs apart by them. */
  readonly id: string;
  /** The resolved recipe, as `run.json` has it. */
  readonly recipe: unknown;
}

export interface Tracker {
  /** Adds one step: its line of `metrics.jsonl`; its chains are in the run folder. */
  step(line: Metrics): Promise<void>;
  /** Writes what belongs to the run as a whole, after its last step so far. */
  close(): Promise<void>;
}

/** A kind of tracker. */
export interface TrackerKind {
  /** Where it writes unless told otherwise. */
  folder(run: string): string;
  /** Begins in `out`: what it wrote there of this run before is removed. */
  open(run: TrackedRun, out: string): Promise<Tracker>;
  /** How to look at what lies in `out`: a command, or a line of Python. */
  look(out: string): string;
}

/** When a step was made, in milliseconds since 1970: when its chains were written, or its metrics where they are gone. */
export async function timeOf(run: string, step: number): Promise<number> {
  const chains = join(run, "rollouts", `step-${String(step).padStart(6, "0")}.jsonl`);
  const { mtimeMs } = await stat(chains).catch(() => stat(join(run, "metrics.jsonl")));
  return mtimeMs;
}
