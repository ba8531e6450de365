/** @file A plain Hugging Face folder from a checkpoint or adapter, and the proof that it says the same. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { missingModules } from "../checkpoint/remote-code.ts";
import { LocalEngine } from "../engine/local.ts";
import { askedAs, writeAskedAs } from "../prompt/asked-as.ts";
import { UserError } from "../util/errors.ts";
import { syncTree } from "../util/files.ts";
import { builtInAnswer, proveMerged, proveSame } from "./export-proof.ts";

export interface ExportOptions {
  /** Folds an adapter into its base, so that a whole checkpoint is written. */
  readonly merge?: boolean;
  /** Loads the export again, and compares every tensor and the log-probabilities of a built-in prompt. */
  readonly verify?: boolean;
  /** Called as each stage begins. */
  readonly onStage?: (stage: "read" | "write" | "verify") => void;
}

/** What was exported. */
export interface Exported {
  /** Of a merged export that was verified: how far its log-probabilities are from those of base and adapter. */
  readonly mergedGap: number | undefined;
  /** Python modules that transformers loads such a model with, and that are not in the folder. */
  readonly missingModules: readonly string[];
}

/**
 * Writes the model in `from` to `to`, without what only training needs; whole, or not at all.
 * @param from the folder of a checkpoint or adapter
 * @throws UserError when `to` is there already or `from` is not a whole checkpoint; an Error when the export proves to differ
 */
export async function exportModel(
  from: string,
  to: string,
  { merge = false, verify = false, onStage }: ExportOptions = {},
): Promise<Exported> {
  const out = resolve(to);
  if (existsSync(out)) throw new UserError(`${to} already exists.`, "Choose another folder to write.");
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  let mergedGap: number | undefined;
  try {
    onStage?.("read");
    const engine = new LocalEngine(from, { device: "cpu", precision: "float32" });
    onStage?.("write");
    let logprobs: number[] = [];
    try {
      engine.export(partial, { merge });
      const asked = askedAs(from);
      if (asked) writeAskedAs(partial, asked);
      if (verify) logprobs = await builtInAnswer(engine);
    } finally {
      engine.dispose();
    }
    if (verify) {
      onStage?.("verify");
      if (merge) mergedGap = await proveMerged(partial, logprobs);
      else await proveSame(from, partial, logprobs);
    }
    syncTree(partial);
    renameSync(partial, out);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return { mergedGap, missingModules: missingModules(out) };
}
