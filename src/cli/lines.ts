/** @file Lines of a data file on their way through a model into a file of results, one line each. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { LoadedLine } from "../data/samples.ts";
import { messageOf, UserError } from "../errors.ts";
import { writeWhole } from "../files.ts";
import type { MethodName } from "../prompt/methods.ts";
import type { Processor } from "../prompt/prompt.ts";
import type { Prompt } from "../records.ts";

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

/** Refuses questions that spell a control token before any work is done. @throws UserError by file and line */
export function checkQuestions({ tokenizer }: Processor, lines: readonly LoadedLine<unknown>[]): void {
  for (const { sample, file, line } of lines)
    tokenizer.refuseSpecial(sample.question, `${file}:${line}: question: the text`);
}

/** The prompts of some lines. @throws UserError by file and line: a bad image, a prompt beyond the context */
export function promptsOf(
  processor: Processor,
  lines: readonly LoadedLine<unknown>[],
  method: MethodName,
): Promise<Prompt[]> {
  return Promise.all(
    lines.map(async ({ sample, file, line }) => {
      try {
        return await processor.prompt(sample, method);
      } catch (error) {
        throw error instanceof UserError ? new UserError(`${file}:${line}: ${error.message}`) : error;
      }
    }),
  );
}
