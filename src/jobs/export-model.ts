/** @file Exports a checkpoint or adapter as a plain Hugging Face folder, and verifies it. */
import { existsSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { missingModules } from "../checkpoint/remote-code.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { anchored, modelFolder } from "../hub/resolve.ts";
import { askedAs, writeAskedAs } from "../prompt/asked-as.ts";
import { modelCard } from "../report/model-card.ts";
import { UserError } from "../util/errors.ts";
import { PartialFolder } from "../util/partial-folder.ts";
import { cardFacts } from "./card-facts.ts";
import { builtInAnswer, proveMerged, proveSame } from "./export-proof.ts";

export interface ExportOptions {
  /** Folds an adapter into its base, so that a whole checkpoint is written. */
  readonly merge?: boolean;
  /** Loads the export again, and compares every tensor and the log-probabilities of a built-in prompt. */
  readonly verify?: boolean;
  /** What the model is called in its card. Default: the name of the folder `to`. */
  readonly name?: string;
  /** Called as each stage begins. */
  readonly onStage?: (stage: "read" | "write" | "verify") => void;
  /** Ends the work: its reason is thrown, and nothing is written. */
  readonly signal?: AbortSignal;
}

/** What was exported. */
export interface Exported {
  /** Of a merged export that was verified: how far its log-probabilities are from those of base and adapter. */
  readonly mergedGap: number | undefined;
  /** Python modules that transformers loads such a model with, and that are not in the folder. */
  readonly missingModules: readonly string[];
}

/**
 * Writes a model to the folder `to`, without what only training needs, with a model card; whole, or not at all. A card that the model
 * has already stays, unless the run is there that it was trained in.
 * @param model the folder of a checkpoint or adapter, a run folder, or the hub id of a downloaded model
 * @throws UserError when `to` is there already, another process writes it, or the model is not whole; an Error when the export proves to differ
 */
export async function exportModel(
  model: string,
  to: string,
  { merge = false, verify = false, name, onStage, signal }: ExportOptions = {},
): Promise<Exported> {
  const from = modelFolder(anchored(model, process.cwd()));
  const out = resolve(to);
  if (existsSync(out)) throw new UserError(`${to} already exists.`, "Choose another folder to write.");
  const work = PartialFolder.take(out);
  const partial = work.path("model");
  let mergedGap: number | undefined;
  try {
    onStage?.("read");
    const engine = await RemoteEngine.open(from, { device: "cpu", precision: "float32" }, { signal });
    onStage?.("write");
    let logprobs: number[] = [];
    try {
      await engine.export(partial, { merge, signal });
      const asked = askedAs(from);
      if (asked) writeAskedAs(partial, asked);
      const { processor, dir } = engine;
      const facts = await cardFacts({ name: name ?? basename(out), from, dir, processor, merge });
      const card = join(partial, "README.md");
      if (facts.run || !existsSync(card)) writeFileSync(card, modelCard(facts));
      if (verify) logprobs = await builtInAnswer(engine, signal);
    } finally {
      await engine.dispose();
    }
    if (verify) {
      onStage?.("verify");
      if (merge) mergedGap = await proveMerged(partial, logprobs, signal);
      else await proveSame(from, partial, logprobs, signal);
    }
    signal?.throwIfAborted();
    work.commit("model");
  } finally {
    work.remove();
  }
  return { mergedGap, missingModules: missingModules(out) };
}
