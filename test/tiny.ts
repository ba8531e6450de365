/**
 * @file What the tests of the training core share: engines over the tiny golden checkpoints, their prompts, and a look
 * at what an engine holds by way of the files it writes.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { ProcessGroup } from "../src/distributed/process-group.ts";
import type { EngineOptions, ScoreGroup, TrainGroup } from "../src/engine/engine.ts";
import { LocalEngine } from "../src/engine/local.ts";
import type { GrpoLoss } from "../src/objective/loss.ts";
import type { Prompt } from "../src/records.ts";
import { SafetensorsFile } from "../src/torch/safetensors.ts";
import { DEVICE } from "./device.ts";
import { type Golden, type GoldenPrompt, loadGolden } from "./golden/golden.ts";

/** A folder that is removed when the file's tests are done. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), "grit-test-"));
  afterAll(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** Gives paths in such a folder, another one with each call. */
export function scratchPlaces(): () => string {
  const dir = scratch();
  let given = 0;
  return () => join(dir, String(given++));
}

/** The language model of the smallest fresh checkpoints, of either family. */
export const FRESH_LANGUAGE = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  hidden_act: "silu",
  tie_word_embeddings: true,
};

/** What `makeFreshCheckpoint` makes the smallest Qwen2.5-VL of. */
export const FRESH = {
  seed: 1,
  max_vocab: 600,
  image: { min_pixels: 3136, max_pixels: 42336 },
  config: {
    ...FRESH_LANGUAGE,
    rope_scaling: { type: "mrope", mrope_section: [1, 1, 2] },
    vision_config: {
      depth: 2,
      hidden_size: 32,
      num_heads: 2,
      intermediate_size: 48,
      out_hidden_size: 32,
      in_channels: 3,
      patch_size: 14,
      spatial_merge_size: 2,
      temporal_patch_size: 2,
      window_size: 112,
      fullatt_block_indexes: [1],
      hidden_act: "silu",
      tokens_per_second: 2,
    },
  },
};

/** A recorded prompt as the engine takes it. */
export function promptOf({ input_ids, inputs }: GoldenPrompt): Prompt {
  return { ids: input_ids, images: inputs };
}

/** An engine over a golden checkpoint, and what was recorded of it. `group`: the processes that it trains with. */
export function openTiny(
  name: string,
  options: EngineOptions = {},
  group?: ProcessGroup,
): { engine: LocalEngine; golden: Golden } {
  const golden = loadGolden(name);
  return { engine: new LocalEngine(golden.dir, { device: DEVICE, precision: "float32", ...options }, group), golden };
}

/** A step to take where none in particular is meant. */
export const STEP = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, clipNorm: 1 } as const;
/** A loss likewise. */
export const GRPO: GrpoLoss = {
  kind: "grpo",
  form: "on_policy",
  epsilonLow: 0.2,
  epsilonHigh: 0.28,
  beta: 0,
  normalize: "sequence",
  maxTokens: 24,
};

/** An engine that is freed when `use` returns, with the recorded prompts, each with two completions. */
export async function withTiny<T>(
  name: string,
  options: EngineOptions,
  use: (engine: LocalEngine, groups: ScoreGroup[], golden: Golden) => T | Promise<T>,
  group?: ProcessGroup,
): Promise<T> {
  const { engine, golden } = openTiny(name, options, group);
  try {
    const groups = golden.prompts.map((prompt, i) => ({
      prompt: promptOf(prompt),
      completions: [prompt.completion_ids.slice(0, 9 + i), prompt.greedy_ids.slice(i)],
    }));
    return await use(engine, groups, golden);
  } finally {
    engine.dispose();
  }
}

/** The groups with advantages of both signs. */
export const toTrain = (groups: readonly ScoreGroup[]): TrainGroup[] =>
  groups.map(({ prompt, completions }, g) => ({
    prompt,
    items: completions.map((ids, k) => ({ ids, advantage: (k === 0 ? 1 : -0.6) * (1 + 0.3 * g) })),
  }));

/** One small checkpoint of each family. */
export const TINIES = ["qwen2_5_vl/tied", "internvl/tied"];

/** The tensors of a safetensors file by name, as bytes. */
export function tensorsIn(path: string): Map<string, Buffer> {
  const file = new SafetensorsFile(path);
  return new Map(file.entries.map((entry) => [entry.name, file.read(entry)]));
}

/** The names under which two sets of tensors do not hold the same bytes. */
export function differing(a: ReadonlyMap<string, ArrayBufferView>, b: ReadonlyMap<string, ArrayBufferView>): string[] {
  const bytes = (values: ArrayBufferView) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => {
    const [left, right] = [a.get(name), b.get(name)];
    return !left || !right || !bytes(left).equals(bytes(right));
  });
}

/** What `save` writes: parameters, `.mean` and `.square`, as float32, by name. */
export function stateOf(engine: LocalEngine, dir: string): Map<string, Float32Array> {
  engine.save(dir);
  return new Map([...tensorsIn(join(dir, "state.safetensors"))].map(([name, bytes]) => [name, asFloats(bytes)]));
}

/** The gradient an engine has accumulated, by parameter; it is cleared. AdamW without memory keeps it as its first moment. */
export function gradientOf(engine: LocalEngine, dir: string): Map<string, Float32Array> {
  engine.step({ lr: 0, betas: [0, 0], eps: 1e-8, weightDecay: 0, clipNorm: Number.POSITIVE_INFINITY });
  const moments = [...stateOf(engine, dir)].filter(([name]) => name.endsWith(".mean"));
  return new Map(moments.map(([name, values]) => [name.replace(/\.mean$/, ""), values]));
}

/** ‖a − b‖ / ‖b‖ over all entries of two gradients. */
export function relativeDistance(
  a: ReadonlyMap<string, Float32Array>,
  b: ReadonlyMap<string, ArrayLike<number>>,
): number {
  let [apart, size] = [0, 0];
  for (const [name, values] of b)
    for (let i = 0; i < values.length; i++) {
      apart += (a.get(name)![i]! - values[i]!) ** 2;
      size += values[i]! ** 2;
    }
  return Math.sqrt(apart / size);
}

/** Largest absolute difference between two equally shaped nestings of numbers. */
export function largestGap(a: Nested, b: Nested): number {
  if (typeof a === "number" && typeof b === "number")
    return Number.isNaN(a - b) ? Number.POSITIVE_INFINITY : Math.abs(a - b);
  if (typeof a === "number" || typeof b === "number" || a.length !== b.length) throw new Error("Shapes differ.");
  return a.reduce<number>((worst, value, i) => Math.max(worst, largestGap(value, b[i]!)), 0);
}
type Nested = number | readonly Nested[];

function asFloats(bytes: Buffer): Float32Array {
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
