/**
 * @file Reads a run folder, finished or live. A file that does not exist yet is absent from the result; a last line still being
 * written is left out; anything else that is invalid is an error that names the file and the line.
 */

import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import { foldersIn, inWords, kindOf } from "../hub/folder-kind.ts";
import { UserError } from "../util/errors.ts";
import {
  answeredSchema,
  type Metrics,
  metricsSchema,
  type ReadAnswer,
  type RolloutLine,
  type Run,
  rolloutSchema,
  runSchema,
  type Summary,
  summarySchema,
} from "./lines.ts";
import { parsedRun, refuseLinks, runText, unreadableRunFile } from "./run-files.ts";

/** Everything the report shows, as far as the run has come. */
export interface RunFolder {
  readonly dir: string;
  readonly run: Run | undefined;
  /** In order of steps; a step that a resumed run wrote again counts once, the last line wins. */
  readonly metrics: readonly Metrics[];
  /** Steps whose rollouts are on disk, ascending. */
  readonly rolloutSteps: readonly number[];
  /** Answered samples by the name of their evaluation (`before`, `after`, …). */
  readonly evals: ReadonlyMap<string, readonly ReadAnswer[]>;
  readonly summary: Summary | undefined;
}

/** Reads all of a run but its rollouts. Throws `UserError` for a folder that holds no run, an invalid file, or a link that leads out of it. */
export async function readRunFolder(dir: string): Promise<RunFolder> {
  await assertRunFolder(dir);
  refuseLinks(dir);
  const metrics = await readLines(path.join(dir, "metrics.jsonl"), metricsSchema);
  const evals = new Map<string, readonly ReadAnswer[]>();
  for (const name of await namesIn(path.join(dir, "eval"))) {
    const samples = await readLines(path.join(dir, "eval", name, "samples.jsonl"), answeredSchema);
    if (samples.length > 0) evals.set(name, samples);
  }
  const rolloutFiles = await namesIn(path.join(dir, "rollouts"));
  return {
    dir,
    run: await readJson(path.join(dir, "run.json"), runSchema),
    metrics: [...new Map(metrics.map((line) => [line.step, line])).values()].sort((a, b) => a.step - b.step),
    rolloutSteps: rolloutFiles
      .map((name) => /^step-(\d+)\.jsonl$/.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b),
    evals,
    summary: await readJson(path.join(dir, "summary.json"), summarySchema),
  };
}

/** The chains of one step, in the order they were sampled. */
export async function readRollouts(dir: string, step: number): Promise<RolloutLine[]> {
  return readLines(path.join(dir, "rollouts", `step-${String(step).padStart(6, "0")}.jsonl`), rolloutSchema);
}

async function assertRunFolder(dir: string): Promise<void> {
  const isRun = (folder: string) =>
    ["run.json", "metrics.jsonl", "summary.json"].some((name) => existsSync(path.join(folder, name)));
  const found = await stat(dir).catch(() => undefined);
  if (!found) throw new UserError(`${dir}: no such folder`, "Name a run folder, for example runs/quickstart.");
  if (!found.isDirectory())
    throw new UserError(`${dir}: a file, not a run folder`, `Name its folder: ${path.dirname(dir)}`);
  const kind = kindOf(dir);
  if (kind === "run" || (kind === undefined && isRun(dir))) return;
  const other = inWords(dir);
  if (other) throw new UserError(`${dir} is ${other.is}, not a run folder.`, `Look at it with: ${other.use}`);
  const inside = foldersIn(dir).filter((each) => kindOf(each) === "run" || isRun(each));
  throw new UserError(
    `${dir}: not a run folder (no run.json, metrics.jsonl or summary.json in it)`,
    inside.length > 0 ? `It holds runs; name one of them: ${inside.join(", ")}` : "Name the folder that `train` wrote.",
  );
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readIfThere(file);
  return text === undefined ? undefined : parsedRun(text, schema, file);
}

async function readLines<T>(file: string, schema: z.ZodType<T>): Promise<T[]> {
  const lines = ((await readIfThere(file)) ?? "").split("\n");
  // Only a line that ends is complete: the text after the last newline is still being written.
  lines.pop();
  return lines.flatMap((line, i) => (line.trim() === "" ? [] : [parsedRun(line, schema, `${file}:${i + 1}`)]));
}

async function readIfThere(file: string): Promise<string | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw unreadableRunFile(file, error);
  });
  return bytes && runText(bytes, file);
}

async function namesIn(dir: string): Promise<string[]> {
  return existsSync(dir) ? (await readdir(dir)).sort() : [];
}
