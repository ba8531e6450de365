import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadGolden } from "../../test/golden/golden.ts";
import { promptOf, scratch } from "../../test/tiny.ts";
import { singleFile, writeWeights } from "../checkpoint/weights_io.ts";
import { initialWeights } from "../models/init.ts";
import { readModel } from "../models/registry.ts";
import { native } from "../torch/native.ts";
import { disposeAll } from "../torch/tensor.ts";
import { LocalEngine, type LocalOptions } from "./local.ts";

/** How far what is measured may be from what was foretold. Where layers are run again, logits outweigh what is kept. */
const TOLERANCE = { plain: 0.25, checkpointing: 0.45 };

const dir = join(scratch(), "model");
const golden = loadGolden("tied");

/** A model wide and deep enough for its activations to outweigh everything that is counted per tensor. */
beforeAll(() => {
  cpSync(golden.dir, dir, { recursive: true });
  const path = join(dir, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as { text_config: object; vision_config: object };
  const wider = {
    ...config,
    text_config: {
      ...config.text_config,
      ...{ hidden_size: 192, intermediate_size: 640, num_attention_heads: 12, num_key_value_heads: 4 },
      ...{ num_hidden_layers: 8, vocab_size: 6000 },
    },
    vision_config: { ...config.vision_config, out_hidden_size: 192 },
  };
  writeFileSync(path, JSON.stringify(wider));
  const model = readModel(dir);
  const weights = initialWeights(model, 1);
  writeWeights(dir, model, weights, singleFile(model.parameterShapes(), "bfloat16"));
  disposeAll(weights);
});

const prompt = promptOf(golden.prompts.find(({ name }) => name === "wide")!);
const workload = {
  prompts: 4,
  completions: 3,
  promptTokens: prompt.ids.length,
  patches: prompt.images.reduce((total, { grid_thw: [t, h, w] }) => total + t * h * w, 0),
  maxTokens: 120,
};

/** Bytes at the peaks of one step, as foretold and as the allocators counted. */
async function measure(options: LocalOptions) {
  native.meter(true);
  const engine = new LocalEngine(dir, { device: "cpu", microBatchTokens: 1000, ...options });
  try {
    const foretold = engine.memory(workload);
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
    return { foretold, held, sampling, training: peak - held };
  } finally {
    engine.dispose();
    native.meter(false);
  }
}

describe("the memory of a step", () => {
  const cases: [string, LocalOptions][] = [
    ["float32, everything trained", {}],
    ["layers run again", { activationCheckpointing: true }],
    ["bfloat16, with a reference", { precision: "bfloat16", reference: true }],
    ["a frozen vision tower", { freeze: ["vision", "connector"] }],
    [
      "an adapter in bfloat16",
      {
        precision: "bfloat16",
        reference: true,
        lora: { rank: 8, alpha: 16, dropout: 0, targets: "all-linear", parts: ["language"], seed: 1 },
      },
    ],
  ];
  it.each(cases)("is as foretold: %s", async (_, options) => {
    const { foretold, held, sampling, training } = await measure(options);
    const { weights, reference, gradients } = foretold;
    const ratio = (measured: number, said: number) => Math.abs(measured / said - 1);
    expect(ratio(held, weights + reference)).toBeLessThan(0.01);
    expect(ratio(sampling, foretold.sampling)).toBeLessThan(TOLERANCE.plain);
    const tolerance = options.activationCheckpointing ? TOLERANCE.checkpointing : TOLERANCE.plain;
    expect(ratio(training, gradients + foretold.training)).toBeLessThan(tolerance);
  });
});
