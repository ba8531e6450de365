/** @file What the tests of the memory estimate share: models wide enough, and the peaks of a step beside what was estimated. */

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { singleFile, writeWeights } from "../src/checkpoint/weights-io.ts";
import type { EngineOptions } from "../src/engine/engine.ts";
import { LocalEngine } from "../src/engine/local.ts";
import { readModel } from "../src/models/architectures.ts";
import { initialWeights } from "../src/models/init.ts";
import type { Prompt } from "../src/records.ts";
import { native } from "../src/torch/native.ts";
import { disposeAll } from "../src/torch/tensor.ts";
import { DEVICE } from "./device.ts";
import { loadGolden } from "./golden/golden.ts";
import { promptOf, scratch } from "./tiny.ts";

/**
 * How far what is measured may be from what was estimated. Where layers are run again, logits outweigh what is kept. `tower`: how
 * far below it may be where images bound the peak of sampling, as one factor stands for the towers of both families.
 */
const TOLERANCE = { plain: 0.25, checkpointing: 0.35, tower: 0.6 };

const base = scratch();
const families = ["qwen2_5_vl/tied", "internvl/tied"] as const;
type Family = (typeof families)[number];
const configOf = (dir: string) =>
  JSON.parse(readFileSync(join(dir, "config.json"), "utf8")) as {
    image_token_id: number;
    text_config: object;
    vision_config: object;
  };

/** Models wide and deep enough for their activations to outweigh everything that is counted per tensor. */
beforeAll(() => {
  for (const name of families) {
    const [from, to] = [loadGolden(name).dir, join(base, name)];
    cpSync(from, to, { recursive: true });
    const config = configOf(from);
    const tower = name === "internvl/tied" ? INTERN_TOWER : QWEN_TOWER;
    const wider = {
      ...config,
      text_config: {
        ...config.text_config,
        ...{ hidden_size: 192, intermediate_size: 640, num_attention_heads: 12, num_key_value_heads: 4 },
        ...{ num_hidden_layers: 8, vocab_size: 6000 },
      },
      vision_config: { ...config.vision_config, ...tower },
    };
    writeFileSync(join(to, "config.json"), JSON.stringify(wider));
    const model = readModel(to);
    const weights = initialWeights(model, 1);
    writeWeights(to, model, weights, singleFile(model.parameterShapes(), "bfloat16"));
    disposeAll(weights);
  }
});
const QWEN_TOWER = { hidden_size: 96, intermediate_size: 160, num_heads: 8, depth: 4, out_hidden_size: 192 };
const INTERN_TOWER = { hidden_size: 96, intermediate_size: 384, num_attention_heads: 8, num_hidden_layers: 4 };

/** The recorded prompt `wide`, and the same with an image of many more patches, four to a token. */
function promptsOf(name: Family) {
  const golden = loadGolden(name);
  const few = promptOf(golden.prompts.find((prompt) => prompt.name === "wide")!);
  const token = configOf(golden.dir).image_token_id;
  const [image] = few.images;
  const grid_thw = name === "internvl/tied" ? ([64, 4, 4] as const) : ([1, 32, 32] as const);
  const [start, end] = [few.ids.indexOf(token), few.ids.lastIndexOf(token) + 1];
  const pixels = new Float32Array((1024 * image!.pixels.length) / patchesOf(few));
  const ids = [...few.ids.slice(0, start), ...new Array<number>(256).fill(token), ...few.ids.slice(end)];
  return { few, many: { ids, images: [{ ...image!, grid_thw, pixels }] } };
}
function patchesOf({ images }: Prompt): number {
  return images.reduce((total, { grid_thw: [t, h, w] }) => total + t * h * w, 0);
}

/** Bytes at the peaks of one step, as estimated and as the allocators counted. */
async function measure(name: Family, prompt: Prompt, options: EngineOptions) {
  const workload = {
    prompts: 4,
    completions: 3,
    promptTokens: prompt.ids.length,
    patches: patchesOf(prompt),
    maxTokens: 120,
  };
  native.meter(true);
  // Two prompts with their completions, exactly: what a third leaves of a micro-batch is not the prediction's to know.
  const microBatchTokens = 2 * (workload.promptTokens + workload.completions * workload.maxTokens);
  const engine = new LocalEngine(join(base, name), {
    device: DEVICE,
    precision: "float32",
    microBatchTokens,
    ...options,
  });
  try {
    const estimated = engine.memory(workload);
    const held = native.metered()[0];
    const prompts = Array.from({ length: workload.prompts }, () => prompt);
    const ids = Array.from({ length: workload.maxTokens }, (_, t) => (t * 7) % 250);
    const items = Array.from({ length: workload.completions }, (_, k) => ({ ids, advantage: k - 1 }));
    await engine.sample(prompts, { n: 3, maxTokens: workload.maxTokens, temperature: 1, seed: 1 });
    const sampling = native.metered()[1] - held;
    engine.forwardBackward(
      prompts.map((prompt) => ({ prompt, items })),
      { kind: "nll" },
    );
    const peak = native.metered()[1];
    return { estimated, held, sampling, training: peak - held };
  } finally {
    engine.dispose();
    native.meter(false);
  }
}

/** Holds a step to its estimate, for both families, by the engine's options and the patches of its prompts. */
export function describeMemory(cases: [string, EngineOptions, "few" | "many"][]): void {
  describe.each(families)("the memory of a step of %s", (name) => {
    it.each(cases)("is as estimated: %s", async (_, options, patches) => {
      const { estimated, held, sampling, training } = await measure(name, promptsOf(name)[patches], options);
      const { weights, reference, gradients } = estimated;
      const ratio = (measured: number, said: number) => Math.abs(measured / said - 1);
      expect(ratio(held, weights + reference)).toBeLessThan(0.01);
      expect(sampling / estimated.sampling).toBeLessThan(1 + TOLERANCE.plain);
      const spare = patches === "many" && !options.freeze ? TOLERANCE.tower : TOLERANCE.plain;
      expect(sampling / estimated.sampling).toBeGreaterThan(1 - spare);
      const tolerance = options.activationCheckpointing ? TOLERANCE.checkpointing : TOLERANCE.plain;
      expect(ratio(training, gradients + estimated.training)).toBeLessThan(tolerance);
    });
  });
}
