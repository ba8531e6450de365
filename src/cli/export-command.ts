/** @file `grit export`: a plain Hugging Face folder from a checkpoint, and the proof that it says the same. */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { differences } from "../checkpoint/compare-checkpoints.ts";
import { missingModules } from "../checkpoint/remote-code.ts";
import { LocalEngine } from "../engine/local.ts";
import { askedAs, writeAskedAs } from "../prompt/asked-as.ts";
import { SafetensorsFile } from "../torch/safetensors.ts";
import { UserError } from "../util/errors.ts";
import { firstFew } from "../util/faults.ts";
import { syncTree } from "../util/files.ts";
import { Progress } from "../util/progress.ts";
import { modelOption } from "./model-options.ts";

interface Options {
  readonly model: string;
  readonly out: string;
  readonly merge?: boolean;
  readonly verify?: boolean;
}

/**
 * How far log-probabilities may stray when an adapter is folded into weights stored as float32, or in 16 bits. The adapters of
 * the tests stray by 4e-6 and 0.026; a merge that leaves them out, by more than 1.
 */
const MERGED_GAP = { float32: 1e-3, rounded: 0.25 };

export function exportCommand(): Command {
  return new Command("export")
    .description("write a plain Hugging Face folder from a checkpoint or adapter, without what only training needs")
    .addOption(modelOption())
    .requiredOption("--out <dir>", "the folder to write; must not exist")
    .option("--merge", "fold an adapter into its base, so that a whole checkpoint is written")
    .option("--verify", "load the export again and compare every tensor and the log-probabilities of a built-in prompt")
    .action(run);
}

async function run(options: Options): Promise<void> {
  const out = resolve(options.out);
  if (existsSync(out)) throw new UserError(`${options.out} already exists.`, "Choose another --out.");
  const from = options.model;
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const progress = new Progress({ label: "export", total: options.verify ? 3 : 2 });
  let proof = "";
  try {
    progress.update(0, `read ${from}`);
    const engine = new LocalEngine(from, { device: "cpu", precision: "float32" });
    progress.update(1, "write");
    let logprobs: number[] = [];
    try {
      engine.export(partial, { merge: options.merge ?? false });
      const asked = askedAs(from);
      if (asked) writeAskedAs(partial, asked);
      if (options.verify) logprobs = await probe(engine);
    } finally {
      engine.dispose();
    }
    if (options.verify) {
      progress.update(2, "verify");
      if (options.merge) proof = `; ${await verifyMerged(partial, logprobs)}`;
      else {
        await verify(from, partial, logprobs);
        proof = "; every tensor and the log-probabilities of a built-in prompt are the same";
      }
    }
    syncTree(partial);
    renameSync(partial, out);
    progress.update(options.verify ? 3 : 2);
    progress.finish();
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  console.log(`${from} is exported to ${options.out}${proof}.`);
  const missing = missingModules(out);
  if (missing.length > 0)
    console.log(
      `transformers loads it by code that is never downloaded here: copy ${missing.join(", ")}, and the modules that they import, from the model's repository on the hub.`,
    );
}

/** Fails unless the folder `to` holds the tensors of `from` and computes exactly `logprobs`, which `from` computed. */
export async function verify(from: string, to: string, logprobs: readonly number[]): Promise<void> {
  const again = new LocalEngine(to, { device: "cpu", precision: "float32" });
  try {
    const faults = differences(again.model, from, to);
    const gap = Math.max(...(await probe(again)).map((value, i) => Math.abs(value - logprobs[i]!)));
    if (gap !== 0) faults.push(`the log-probabilities of the built-in prompt differ by up to ${gap}`);
    if (faults.length > 0)
      throw new Error(`The export does not say what ${from} says:\n  ${firstFew(faults).join("\n  ")}`);
  } finally {
    again.dispose();
  }
}

/**
 * What the folder `to` says against `logprobs`, which base and adapter computed, in words. Fails when it is further off
 * than rounding: the merged weights are stored in the base's own type.
 */
async function verifyMerged(to: string, logprobs: readonly number[]): Promise<string> {
  const again = new LocalEngine(to, { device: "cpu", precision: "float32" });
  try {
    const gap = Math.max(...(await probe(again)).map((value, i) => Math.abs(value - logprobs[i]!)));
    const files = readdirSync(to).filter((name) => name.endsWith(".safetensors"));
    const types = files.flatMap((name) => new SafetensorsFile(join(to, name)).entries.map(({ dtype }) => dtype));
    const allowed = types.every((type) => type === "float32") ? MERGED_GAP.float32 : MERGED_GAP.rounded;
    const said = `the log-probabilities of a built-in prompt are those of the adapter to within ${gap.toPrecision(2)}`;
    if (!(gap <= allowed)) throw new Error(`The merged export differs: ${said}, but ${allowed} is allowed.`);
    return said;
  } finally {
    again.dispose();
  }
}

/** Log-probabilities of a fixed answer about a fixed picture: they pass through every part of the model. */
export async function probe(engine: LocalEngine): Promise<number[]> {
  const [width, height] = [112, 84];
  const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7 + (i >> 7) * 13) % 256);
  const { processor } = engine;
  const prompt = await processor.promptFrom({ images: [{ width, height, rgb }], text: "\nQuestion: What is here?" });
  const ids = processor.tokenizer.encode("<think> (12, 30, 88, 57) </think>\n<answer> A picture of no use.");
  return engine.score("policy", [{ prompt, completions: [ids] }])[0]![0]!;
}
