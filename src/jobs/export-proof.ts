/** @file Verifies an exported folder: its tensors, and the log-probabilities of a built-in prompt. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { differences } from "../checkpoint/compare-checkpoints.ts";
import type { Engine } from "../engine/engine.ts";
import { RemoteEngine } from "../engine/remote-engine.ts";
import { readModel } from "../models/architectures.ts";
import { SafetensorsFile } from "../torch/safetensors.ts";
import { firstFew } from "../util/faults.ts";

/**
 * How far log-probabilities may differ when an adapter is folded into weights stored as float32, or in 16 bits. The adapters of
 * the tests differ by 4e-6 and 0.026; a merge that leaves them out, by more than 1.
 */
const MERGED_GAP = { float32: 1e-3, rounded: 0.25 };

/** Fails unless the folder `to` holds the tensors of `from` and computes exactly `logprobs`, which `from` computed. */
export async function proveSame(
  from: string,
  to: string,
  logprobs: readonly number[],
  signal?: AbortSignal,
): Promise<void> {
  const again = await RemoteEngine.open(to, { device: "cpu", precision: "float32" }, { signal });
  try {
    const faults = differences(readModel(again.dir), from, to);
    const gap = await gapTo(logprobs, again, signal);
    if (gap !== 0) faults.push(`the log-probabilities of the built-in prompt differ by up to ${gap}`);
    if (faults.length > 0) throw new Error(`The export differs from ${from}:\n  ${firstFew(faults).join("\n  ")}`);
  } finally {
    await again.dispose();
  }
}

/**
 * How far the log-probabilities of the folder `to` are from `logprobs`, which base and adapter computed. Fails when that is more
 * than rounding: the merged weights are stored in the base's own type.
 */
export async function proveMerged(to: string, logprobs: readonly number[], signal?: AbortSignal): Promise<number> {
  const again = await RemoteEngine.open(to, { device: "cpu", precision: "float32" }, { signal });
  try {
    const gap = await gapTo(logprobs, again, signal);
    const files = readdirSync(to).filter((name) => name.endsWith(".safetensors"));
    const types = files.flatMap((name) => new SafetensorsFile(join(to, name)).entries.map(({ dtype }) => dtype));
    const allowed = types.every((type) => type === "float32") ? MERGED_GAP.float32 : MERGED_GAP.rounded;
    if (gap <= allowed) return gap;
    throw new Error(
      `The merged export differs: the log-probabilities of a built-in prompt differ from those of the adapter by up to ${gap.toPrecision(2)}, but ${allowed} is allowed.`,
    );
  } finally {
    await again.dispose();
  }
}

async function gapTo(logprobs: readonly number[], engine: Engine, signal: AbortSignal | undefined): Promise<number> {
  return Math.max(...(await builtInAnswer(engine, signal)).map((value, i) => Math.abs(value - logprobs[i]!)));
}

/** Log-probabilities of a fixed answer about a fixed picture: they pass through every part of the model. */
export async function builtInAnswer(engine: Engine, signal?: AbortSignal): Promise<number[]> {
  const [width, height] = [112, 84];
  const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7 + (i >> 7) * 13) % 256);
  const { processor } = engine;
  const prompt = await processor.promptFrom({ images: [{ width, height, rgb }], text: "\nQuestion: What is here?" });
  const ids = processor.tokenizer.encode("<think> (12, 30, 88, 57) </think>\n<answer> A picture of no use.");
  return (await engine.score("policy", [{ prompt, completions: [ids] }], { signal }))[0]![0]!;
}
