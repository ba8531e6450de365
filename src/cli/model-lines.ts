/** @file Lines of a data file on their way through a model into a file of results, one line each. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { LoadedLine } from "../data/samples.ts";
import type { PlannedPrompt } from "../engine/check-prompts.ts";
import type { MethodName } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Prompt } from "../records.ts";
import { messageOf, UserError } from "../util/errors.ts";
import { writeWhole } from "../util/files.ts";
import type { Stage } from "../util/progress.ts";

/**
 * Makes sure before the work that `out` can be written after it. @throws UserError when it is `data`, which `option` named, or no
 * file can be there
 */
export function checkOut(out: string, data: string, option = "--data"): void {
  if (resolve(out) === resolve(data))
    throw new UserError(`--out ${out} is the file of ${option}.`, "Name another file to write.");
  try {
    mkdirSync(dirname(out), { recursive: true });
  } catch (error) {
    throw new UserError(`--out ${out} cannot be written (${messageOf(error)}).`, "Choose another --out.");
  }
  if (statSync(out, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(`--out ${out} is a folder.`, "Name a file to write.");
}

/** Writes one JSON line a row; the file is there whole or not at all. */
export function writeRows(out: string, rows: readonly object[]): void {
  writeWhole(out, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** Laying out a prompt, its image decoded, where asking it takes 1: as with the tiny base. */
const CHECK = 0.15;

/** The stages of work on so many samples: every prompt is laid out once, then the work of that name is done. */
export function askingStages(label: string, samples: number): [Stage, Stage] {
  return [
    { label: "check", total: samples, weight: CHECK },
    { label, total: samples },
  ];
}

/** A line's prompt, to be checked before the work. */
export function planned(
  { sample, file, line }: LoadedLine<unknown>,
  method: MethodName,
  newTokens: number,
): PlannedPrompt {
  return { where: `${file}:${line}`, sample, method, newTokens };
}

/** The prompts of some lines. */
export function promptsOf(
  processor: Processor,
  lines: readonly LoadedLine<unknown>[],
  method: MethodName,
): Promise<Prompt[]> {
  return Promise.all(lines.map(({ sample }) => processor.prompt(sample, method)));
}

/** What to do about lines that cannot be asked. */
export const MEND = "Fix the lines above and run the command again; nothing was written.";
