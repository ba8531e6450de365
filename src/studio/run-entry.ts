/** @file What the list of runs says of each, from the two ends of its metrics: the middle of a long run is not read for it. */

import { existsSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isTaken } from "../../tools/lock.mjs";
import { type Metrics, metricsSchema, type Run, runSchema } from "../run/lines.ts";
import { numbersIn } from "../run/metric-names.ts";
import { LOCK } from "../util/folder-lock.ts";
import { parseLine } from "./parse-line.ts";
import type { RunEntry, RunState } from "./studio-data.ts";

/** Bytes read at either end: some dozens of lines. */
const END = 64 * 1024;

/** What is shown of a recipe; it may be one of another version. */
const recipeSchema = z
  .object({ model: z.string(), method: z.string(), steps: z.number(), seed: z.number() })
  .partial()
  .catch({});

/** `run.json`; undefined where it is missing or damaged. */
export async function readRun(dir: string): Promise<Run | undefined> {
  const text = await readFile(join(dir, "run.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseLine(text, runSchema);
}

/** What is shown of a run's recipe; nothing of one that is missing or of an unknown shape. */
export async function readRecipe(dir: string): Promise<z.infer<typeof recipeSchema>> {
  return recipeSchema.parse((await readRun(dir))?.recipe ?? {});
}

/** The entry of the run in `dir`, as far as it has come. */
export async function runEntry(id: string, dir: string): Promise<RunEntry> {
  const run = await readRun(dir);
  const { model = null, method = null, steps = null, seed = null } = recipeSchema.parse(run?.recipe ?? {});
  const { head, tail, changed } = await metricsEnds(join(dir, "metrics.jsonl"));
  const [first, last] = [head[0] ?? tail[0], tail.at(-1)];
  const step = last?.step ?? 0;
  const state = stateOf(isTaken(join(dir, LOCK)), step, steps);
  return {
    id,
    state,
    step,
    steps,
    secondsLeft: state === "training" && steps !== null ? secondsLeft(tail, steps - step) : null,
    changed: changed ?? (await stat(dir).catch(() => undefined))?.mtimeMs ?? 0,
    model,
    method,
    seed,
    first: first ? numbersIn(first) : {},
    last: last ? numbersIn(last) : {},
    fault: run === undefined && existsSync(join(dir, "run.json")) ? "run.json is damaged" : null,
  };
}

function stateOf(isHeld: boolean, step: number, steps: number | null): RunState {
  if (steps !== null && step >= steps) return isHeld ? "training" : "finished";
  if (isHeld) return "training";
  return step === 0 ? "begun" : "stopped";
}

/** At the mean pace of the last steps. */
function secondsLeft(lines: readonly Metrics[], steps: number): number | null {
  const seconds = lines.slice(-20).map((line) => line.seconds?.total);
  const known = seconds.filter((value) => typeof value === "number");
  return known.length > 0 ? (steps * known.reduce((sum, value) => sum + value)) / known.length : null;
}

/** The readable lines at the beginning and at the end of a file, and when it was last changed. */
async function metricsEnds(file: string): Promise<{ head: Metrics[]; tail: Metrics[]; changed: number | undefined }> {
  const handle = await open(file, "r").catch(() => undefined);
  if (!handle) return { head: [], tail: [], changed: undefined };
  try {
    const { size, mtimeMs } = await handle.stat();
    const part = async (from: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(END, size)), 0, Math.min(END, size), from);
      const lines = buffer.subarray(0, bytesRead).toString("utf8").split("\n");
      // The text before the first newline and after the last one may be parts of lines.
      return lines.slice(from === 0 ? 0 : 1, -1).flatMap((line) => parseLine(line, metricsSchema) ?? []);
    };
    return { head: await part(0), tail: await part(Math.max(0, size - END)), changed: mtimeMs };
  } finally {
    await handle.close();
  }
}
