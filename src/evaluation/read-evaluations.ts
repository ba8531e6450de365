/** @file Reads the folders of evaluations, finished or still running, for tables, comparisons and pages. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inWords } from "../hub/folder-kind.ts";
import { METHOD_NAMES } from "../prompt/methods.ts";
import { type Answered, answeredLine } from "../run/lines.ts";
import { parsedRun, readRunFile, refuseLinks } from "../run/run-files.ts";
import { UserError } from "../util/errors.ts";
import { type Evaluation, type Manifest, manifestSchema } from "./manifest.ts";

/** An evaluation with all that was answered. */
export interface AnsweredEvaluation extends Evaluation {
  readonly samples: readonly Answered[];
}

/**
 * The evaluations in some folders: each is one, or holds some, at most two levels down (`DIR/rows/cot`), which come in the
 * order of the paper's methods.
 * @throws UserError when a folder holds none, or a file in it is invalid
 */
export function readEvaluations(dirs: readonly string[]): AnsweredEvaluation[] {
  return dirs.flatMap((dir) => {
    const found = evaluationsIn(dir, 2);
    if (found.length > 0) return found.map(readEvaluation).sort((a, b) => place(a) - place(b));
    const other = inWords(dir);
    if (other) throw new UserError(`${dir} is ${other.is}, not an evaluation.`, `Look at it with: ${other.use}`);
    throw new UserError(
      existsSync(dir) ? `${dir} is not an evaluation folder (it has no manifest.json).` : `${dir}: no such folder.`,
      "Name what `grit eval --out` wrote.",
    );
  });
}

function place({ manifest }: Evaluation): number {
  const order: readonly string[] = METHOD_NAMES;
  return order.indexOf(manifest.prompt.method);
}

/** One evaluation. @throws UserError when the folder holds none, or several */
export function readOneEvaluation(dir: string): AnsweredEvaluation {
  const found = readEvaluations([dir]);
  if (found.length === 1) return found[0]!;
  throw new UserError(
    `${dir} holds ${found.length} evaluations.`,
    `Name one of them: ${found.map((evaluation) => evaluation.dir).join(", ")}`,
  );
}

function readEvaluation(dir: string): AnsweredEvaluation {
  refuseLinks(dir);
  return { dir, manifest: readManifest(dir), samples: readSampleLines(dir) };
}

/** @throws UserError when `manifest.json` is invalid */
export function readManifest(dir: string): Manifest {
  const path = join(dir, "manifest.json");
  return parsedRun(readRunFile(path) ?? "", manifestSchema, path);
}

/**
 * The answered samples of a folder; a last line that is still being written is left out.
 * @throws UserError naming the line that is invalid or repeats an id
 */
export function readSampleLines(dir: string): Answered[] {
  const path = join(dir, "samples.jsonl");
  const seen = new Set<string>();
  return (readRunFile(path) ?? "")
    .split("\n")
    .slice(0, -1)
    .map((text, i) => {
      const line = parsedRun(text, answeredLine, `${path}:${i + 1}`);
      if (seen.has(line.id))
        throw new UserError(`${path}:${i + 1}: duplicate id "${line.id}"`, "Evaluate into another folder.");
      seen.add(line.id);
      return line;
    });
}

/** Folders with a manifest, `depth` levels down at most. */
function evaluationsIn(dir: string, depth: number): string[] {
  if (existsSync(join(dir, "manifest.json"))) return [dir];
  if (depth === 0 || !existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(dir, name))
    .sort()
    .flatMap((inner) => evaluationsIn(inner, depth - 1));
}
